"""The script that pages carry: what a visitor does in a browser to events at `POST /v1/events`.

`source/` is the script as it is written and read; `published/` holds what pages are served: each release as it was made
of the source by `make tracker`, under a name with its version and digest. A release never changes and is never taken
away, for pages refer to it by both.
"""
