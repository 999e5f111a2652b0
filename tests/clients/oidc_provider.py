"""The OpenID Connect provider of test_oidc.py: one process, over TLS on this machine, with a new signing key at each start.

    python oidc_provider.py PORT CERTIFICATE KEY [no-kid]

Users and their claims are set by PUT /users/<sub>; claims of theirs replace those that the provider would write itself.
"""

import sys

import oidc_provider_mock
from oidc_provider_mock._app import OpenIDCode, storage
from werkzeug.serving import make_server

settings = OpenIDCode.get_jwt_config


def with_kid(self, *arguments):
    """Tokens name their key, as those of all large providers do; the mock's do not."""
    return settings(self, *arguments) | {"kid": storage.jwk.thumbprint()}


if __name__ == "__main__":
    port, certificate, key, *options = sys.argv[1:]
    if "no-kid" not in options:
        OpenIDCode.get_jwt_config = with_kid
    app = oidc_provider_mock.app()
    make_server("localhost", int(port), app, threaded=True, ssl_context=(certificate, key)).serve_forever()
