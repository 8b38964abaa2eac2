# SPDX-License-Identifier: Apache-2.0
"""A thin client: any RPC by its name, token and metadata, and calls whose proofs are verified."""
from contextlib import contextmanager

import grpc
import pytest

from . import verifier
from .stubs import METHODS, SERVICE, schema

UUID_ALPHABET = set("0123456789abcdefghijklmnopqrstuv")
NOT_FROM_A_HANDLER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED,
                      grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNIMPLEMENTED)
DEADLINE = 30
MESSAGE_LIMIT = 64 << 20


def _path(name):
    return f"/{SERVICE}/{name}"


class Client:
    """`client.Set(key=b"k", value=b"v")` calls that RPC with that request.

    A ready request may be given instead of its fields. Every answer and every refusal that came
    from the server must carry the immudb-uuid header.
    """

    def __init__(self, target, token=None, credentials=None, options=()):
        settings = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1),
                    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
                    ("grpc.max_send_message_length", MESSAGE_LIMIT), *options]
        self.target = target
        self.channel = (grpc.secure_channel(target, credentials, settings) if credentials
                        else grpc.insecure_channel(target, settings))
        self.token = token
        self.uuid = None
        self.trust = verifier.Trust()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.channel.close()

    def __getattr__(self, name):
        if name not in METHODS:
            raise AttributeError(name)

        def call(request=None, deadline=DEADLINE, wait=False, metadata=None, **fields):
            return self._call(METHODS[name], request, fields, deadline, wait, metadata)

        call.__name__ = name
        setattr(self, name, call)
        return call

    def headers(self):
        return [("authorization", "Bearer " + self.token)] if self.token is not None else []

    def _call(self, method, request, fields, deadline, wait, metadata):
        if request is None:
            request = method.input_type._concrete_class(**fields)
        parse = method.output_type._concrete_class.FromString
        stream = method.server_streaming
        make = self.channel.unary_stream if stream else self.channel.unary_unary
        invoke = make(_path(method.name), type(request).SerializeToString, parse)
        given = {"timeout": deadline, "wait_for_ready": wait,
                 "metadata": self.headers() if metadata is None else metadata}
        try:
            if stream:
                call = invoke(request, **given)
                answer = list(call)
            else:
                answer, call = invoke.with_call(request, **given)
        except grpc.RpcError as error:
            if error.code() not in NOT_FROM_A_HANDLER:
                self._check_uuid(method.name, error.initial_metadata())
            raise
        self._check_uuid(method.name, call.initial_metadata())
        return answer

    def _check_uuid(self, name, headers):
        found = [value for key, value in headers or () if key == "immudb-uuid"]
        assert len(found) == 1, f"{name}: header immudb-uuid {found}"
        assert len(found[0]) == 20 and set(found[0]) <= UUID_ALPHABET, found[0]
        assert self.uuid in (None, found[0]), "the server changed its identity"
        self.uuid = found[0]

    def raw(self, path, request=b"", metadata=None, deadline=DEADLINE):
        """A call of any path with any bytes."""
        invoke = self.channel.unary_unary(path)
        return invoke(request, timeout=deadline,
                      metadata=self.headers() if metadata is None else metadata)

    def login(self, user="immudb", password="immudb"):
        answer = self.Login(user=_bytes(user), password=_bytes(password))
        self.token = answer.token
        return answer

    def use(self, database):
        self.token = self.UseDatabase(databasename=database).token
        self.trust = verifier.Trust()  # roots are of a database
        return self

    # Calls whose answers are verified. The trusted root moves forward with each.

    def root_index(self):
        return schema.Index(index=self.trust.index)

    def prove_write(self, name, key, value, **request):
        """Any Safe write, of which (key, value) is what is hashed. Returns the proof."""
        proof = getattr(self, name)(rootIndex=self.root_index(), **request)
        verifier.verify_proof(proof, key, value, self.trust)
        # Old clients remember (index, root) of the answer: right only for the tree that ends here.
        assert proof.at == proof.index
        return proof

    def safe_set(self, key, value):
        return self.prove_write("SafeSet", key, value, kv=schema.KeyValue(key=key, value=value))

    def safe_set_sv(self, key, timestamp, payload):
        content = schema.Content(timestamp=timestamp, payload=payload)
        return self.prove_write("SafeSetSV", key, content.SerializeToString(),
                                skv=schema.StructuredKeyValue(key=key, value=content))

    def safe_reference(self, name, key):
        return self.prove_write("SafeReference", name, key,
                                ro=schema.ReferenceOptions(reference=name, key=key))

    def safe_zadd(self, name, score, key):
        return self.prove_write("SafeZAdd", verifier.set_member_key(name, score, key), key,
                                zopts=schema.ZAddOptions(set=name, score=score, key=key))

    def safe_get(self, key):
        return self._proven(self.SafeGet(key=key, rootIndex=self.root_index()))

    def safe_by_index(self, index):
        answer = self._proven(self.BySafeIndex(index=index, rootIndex=self.root_index()))
        assert answer.item.index == index
        return answer

    def _proven(self, answer):
        assert answer.item.index == answer.proof.index
        verifier.verify_proof(answer.proof, answer.item.key, answer.item.value, self.trust)
        return answer


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


@contextmanager
def refused(code, text=None, contains=None):
    """The call inside must be refused with this code ("NotFound") and text.

    Several codes are given where the rules leave the choice.
    """
    with pytest.raises(grpc.RpcError) as caught:
        yield caught
    error = caught.value
    codes = (code,) if isinstance(code, str) else code
    name = "".join(word.capitalize() for word in error.code().name.split("_"))
    if text is not None:
        assert (error.details(), name) == (text, name)
    if contains is not None:
        assert contains in error.details()
    assert name in codes, error.details()
