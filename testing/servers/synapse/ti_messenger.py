"""Synapse with the rules of a TI-Messenger: synapse-invite-checker, and the federation list that it asks for.

    ti_messenger.py PORT DOMAIN -c CONFIG

serves the list on PORT of loopback for as long as the homeserver lives. A list is a JWS (BP256R1, `x5c`) with the
authority that vouches for it, both made anew at each start (gemSpec_VZD_FHIR_Directory, "Föderationsliste").
"""
import base64
import datetime
import http.server
import json
import runpy
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jwcrypto import jwk, jws

ROOT, ISSUER = "KONSIL.TEST-ROOT", "KONSIL.TEST-CA"


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, issuer, issuer_key, is_authority):
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(issuer_key or key, hashes.SHA256())
    )
    return key, made.public_bytes(serialization.Encoding.DER)


def text(der):
    return base64.b64encode(der).decode()


def files(domain):
    root_key, root = certificate(ROOT, ROOT, None, True)
    issuer_key, issuer = certificate(ISSUER, ROOT, root_key, True)
    key, own = certificate("federation list", ISSUER, issuer_key, False)
    entry = {"domain": domain, "telematikID": "1-invented", "timAnbieter": "invented", "isInsurance": False, "ik": []}
    token = jws.JWS(json.dumps({"version": 1, "domainList": [entry]}).encode())
    token.allowed_algs = ["BP256R1"]
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    head = json.dumps({"alg": "BP256R1", "x5c": [text(own)]})
    token.add_signature(jwk.JWK.from_pem(pem), "BP256R1", head)
    return {
        "/federationList.jws": token.serialize(compact=True).encode(),
        "/ECC/ROOT-CA/roots.json": json.dumps([{"name": ROOT, "cert": text(root)}]).encode(),
        f"/ECC/SUB-CA/{ISSUER}.der": issuer,
    }


def serve(port, answers):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = answers.get(self.path)
            self.send_response(200 if body else 404)
            # The rules' client takes an answer without its length for a broken one.
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    list_port, own_domain = int(sys.argv[1]), sys.argv[2]
    serve(list_port, files(own_domain))
    sys.argv = ["synapse.app.homeserver", *sys.argv[3:]]
    runpy.run_module("synapse.app.homeserver", run_name="__main__")
