# SPDX-License-Identifier: Apache-2.0
"""What the black-box tests share: stubs, the daemon as a process, a client, a verifier.

Nothing here is made from the C++ sources: the stubs come from proto/, the verifier from RFC 6962
and from what clients are told to compute.
"""
