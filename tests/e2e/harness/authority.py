# SPDX-License-Identifier: Apache-2.0
"""Certificates from tools/mtls/generate.sh."""
import os
import subprocess
from pathlib import Path

import grpc

from .stubs import ROOT

GENERATE = os.environ.get("IMMUDB_GENERATE_CERTIFICATES", str(ROOT / "tools/mtls/generate.sh"))


class Authority:
    """An authority, a server and a client certificate in the folders of the defaults."""

    def __init__(self, folder):
        self.folder = Path(folder)
        subprocess.run([GENERATE, "--out", str(self.folder)], check=True, capture_output=True)
        self.chain = self.folder / "2_intermediate/certs/ca-chain.cert.pem"
        self.certificate, self.key = self._pair("3_application")
        self.client_certificate, self.client_key = self._pair("4_client")

    def _pair(self, folder):
        return (self.folder / folder / "certs/localhost.cert.pem",
                self.folder / folder / "private/localhost.key.pem")

    def client(self):
        return grpc.ssl_channel_credentials(self.chain.read_bytes(), self.client_key.read_bytes(),
                                            self.client_certificate.read_bytes())

    def anonymous(self):
        return grpc.ssl_channel_credentials(self.chain.read_bytes())

    def server(self):
        return ["--certificate", str(self.certificate), "--pkey", str(self.key)]

    def mutual(self):
        return ["--mtls", *self.server(), "--clientcas", str(self.chain)]
