/** Server-sent events, from the text of a stream in whatever pieces it arrives. Pure. */

export class EventStream {
  #rest = "";

  /** The messages that `text` completes: `{event, data}`. Comments and unknown fields are passed over. */
  *feed(text) {
    this.#rest += text;
    const blocks = this.#rest.split("\n\n");
    this.#rest = blocks.pop();
    for (const block of blocks) {
      const message = { event: "message", data: "" };
      for (const line of block.split("\n")) {
        const at = line.indexOf(": ");
        if (at > 0) message[line.slice(0, at)] = line.slice(at + 2);
      }
      if (message.data) yield message;
    }
  }
}
