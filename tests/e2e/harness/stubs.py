# SPDX-License-Identifier: Apache-2.0
"""The messages of the wire contract, generated from proto/ by protoc.

The build generates them once (IMMUDB_E2E_STUBS names the folder); started by hand, the suite
generates them into a temporary folder.
"""
import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def generate(folder):
    plugin = shutil.which("grpc_python_plugin")
    if shutil.which("protoc") is None or plugin is None:
        raise RuntimeError("protoc and grpc_python_plugin are needed: make packages")
    subprocess.run(
        ["protoc", f"-I{ROOT / 'proto'}", f"--python_out={folder}", f"--grpc_python_out={folder}",
         f"--plugin=protoc-gen-grpc_python={plugin}",
         str(ROOT / "proto/schema.proto"), str(ROOT / "proto/pb/pb.proto")], check=True)


def _folder():
    given = os.environ.get("IMMUDB_E2E_STUBS")
    if given:
        return given
    folder = tempfile.mkdtemp(prefix="immudb-stubs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    generate(folder)
    return folder


sys.path.insert(0, _folder())

import schema_pb2 as schema  # noqa: E402
import schema_pb2_grpc as services  # noqa: E402
from pb import pb_pb2 as pb  # noqa: E402

__all__ = ["METHODS", "SERVICE", "pb", "schema", "services"]

SERVICE = "immudb.schema.ImmuService"
# Method name -> its descriptor: request and answer types, streaming.
METHODS = {method.name: method
           for method in schema.DESCRIPTOR.services_by_name["ImmuService"].methods}
