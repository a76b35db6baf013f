"""Runs aiobotocore for the harness: one JSON object a line in, one a line out (see ../GUIDE.md).

Usage: VENV/bin/python aiobotocore_driver.py

aiobotocore is botocore with another HTTP client, for asyncio. What it shares with botocore is in boto3_driver.py beside
this file: values, errors, settings, the protocol.
"""

import asyncio

from aiobotocore.session import get_session
from aiohttp import ClientConnectorError
from botocore.exceptions import EndpointConnectionError

import boto3_driver

SESSION = get_session()
LOOP = asyncio.new_event_loop()
by_class = boto3_driver.phase_of


def phase_of(error):
    """As botocore's classes say. Only that aiobotocore has one class for connections that it could not make and for
    those that broke; the error of its HTTP client, which it carries, tells them apart."""
    below = getattr(error, "kwargs", {}).get("error")
    if isinstance(error, EndpointConnectionError) and not isinstance(below, ClientConnectorError):
        return "transport"
    return by_class(error)


async def perform(call, arguments, clients):
    """What the caller is given: by a new client, which is closed then, or by the one of that name."""
    operation, name = boto3_driver.OPERATIONS[call["operation"]], call.get("reuse")
    if name in clients:
        return await getattr(clients[name], operation)(**arguments)
    context = SESSION.create_client(**boto3_driver.client_arguments(call))
    client = boto3_driver.counted(await context.__aenter__())
    if name:
        clients[name] = client
        return await getattr(client, operation)(**arguments)
    try:
        return await getattr(client, operation)(**arguments)
    finally:
        await context.__aexit__(None, None, None)


def call_aiobotocore(call, arguments, clients):
    return LOOP.run_until_complete(perform(call, arguments, clients))


async def close(clients):
    for client in clients.values():
        await client.close()


if __name__ == "__main__":
    boto3_driver.phase_of = phase_of
    kept = {}
    boto3_driver.serve("aiobotocore", {**boto3_driver.hello(), "driver": "aiobotocore"}, call_aiobotocore, kept)
    LOOP.run_until_complete(close(kept))
