// Runs inside a page: sends recorded requests as any page's script would, and tells what came back.
globalThis.parity = {
  /** @param {{method: string, target: string, headers: [string, string][], body: string, cookie: string}[]} requests */
  async ask(requests) {
    const found = [];
    for (const one of requests) found.push(await this.send(one).catch((error) => ({ failed: String(error) })));
    return found;
  },

  async send({ method, target, headers, body, cookie }) {
    const names = cookie === "" ? [] : cookie.split("; ");
    for (const pair of names) document.cookie = `${pair}; path=/`;
    try {
      const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
      // A body of no bytes is one: it would have a Content-Length.
      const init = { method, headers, body: bytes.length === 0 ? undefined : bytes, cache: "no-store" };
      const signal = AbortSignal.timeout(60_000);
      const response = await fetch(new Request(new URL(target, location.href), init), { signal });
      return await this.tell(response);
    } finally {
      for (const pair of names) document.cookie = `${pair.split("=")[0]}=; path=/; max-age=0`;
    }
  },

  async tell(response) {
    const parts = [];
    let cut = false;
    try {
      for await (const part of response.body ?? []) parts.push(part);
    } catch {
      cut = true;
    }
    let text = "";
    for (const bytes of parts) {
      for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    }
    const { status, headers, url } = response;
    return { status, headers: [...headers], body: btoa(text), cut, url: new URL(url).pathname };
  },
};
