// ComfyUI's `api`, answered by the test: `answers["GET /kling26/words"] = [200, {…}]`.

export const answers = {};
export const asked = [];

export const api = {
  clientId: "client-1",
  apiURL: (path) => `/prefix/api${path}`,
  async fetchApi(path, options) {
    asked.push({ path, ...options });
    const answer = answers[`${options.method} ${path}`];
    if (!answer) throw new TypeError("Failed to fetch");
    const [status, content] = answer;
    return {
      ok: status < 400,
      status,
      async json() {
        if (typeof content === "string") throw new SyntaxError(content);
        return content;
      },
    };
  },
};
