"""What `hitstream serve` says to a person when it is ready: where it is, with which keys, and what to try."""

from __future__ import annotations

from .deployment import Deployment
from .keyfile import KINDS


def welcome(url: str, deployment: Deployment) -> str:
    """Shows only keys that were made here; configured ones are known to whoever configured them."""
    lines = ["", f"Hitstream is ready on {url}", f"Its data are in {deployment.directory.root}", ""]
    made = {id_: keys for id_, keys in deployment.keys.items() if not _is_configured(deployment, id_)}
    for id_, keys in made.items():
        lines.append(f"Keys of the site {id_}:")
        lines += [f"    {kind:8}{' '.join(keys.of(kind))}" for kind in KINDS if keys.of(kind)]
        lines.append("")
    example = next((keys for keys in made.values() if keys.write and keys.read), None)
    write, read = (example.write[0], example.read[0]) if example else ("WRITE_KEY", "READ_KEY")
    lines += [
        "Try it:",
        f"    curl {url}/v1/page_view -H 'X-Write-Key: {write}' \\",
        "         -H 'Content-Type: application/json' -d '{\"page_url\": \"https://shop.example/hello\"}'",
        f"    curl {url}/v1/metrics/realtime -H 'Authorization: Bearer {read}'",
        "",
    ]
    if deployment.config.role in ("all", "query"):
        # The key stands behind the #, which a browser does not send.
        links = [f"    {url}/#key={keys.read[0]}" for keys in made.values() if keys.read] or [f"    {url}/"]
        lines += ["Watch it live:", *links, ""]
    lines += ["Read about the API:", f"    {url}/docs", ""]
    return "\n".join(lines)


def _is_configured(deployment: Deployment, id_: str) -> bool:
    site = deployment.config.sites.get(id_)
    return site is not None and any(site.keys(kind) for kind in KINDS)
