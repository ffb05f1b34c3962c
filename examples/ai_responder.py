"""An AI that answers, in 30 lines: verifies who asks as Standard Webhooks say. `TARGET_SECRET=whsec_... python ...`"""

import base64, hashlib, hmac, json, os, time  # noqa: E401, I001 (an example is short)
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ["TARGET_SECRET"].removeprefix("whsec_"))


def is_genuine(headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mine = "v1," + base64.b64encode(hmac.digest(SECRET, signed, hashlib.sha256)).decode()
    is_recent = abs(time.time() - int(headers["webhook-timestamp"] or 0)) < 300
    return is_recent and any(hmac.compare_digest(mine, one) for one in (headers["webhook-signature"] or "").split())


def answer(text):  # here your model answers
    if "pessoa" in text.lower():
        return {"replies": [{"text": "Vou chamar alguém da equipe."}], "handoff": True}
    return {"replies": [{"text": f"Recebi: {text}"}]}


class Responder(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        known = is_genuine(self.headers, body)
        said = json.dumps(answer(json.loads(body)["data"]["payload"].get("text") or "")).encode() if known else b""
        self.send_response(200 if known else 401)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8070"))), Responder).serve_forever()
