#!/usr/bin/env python3
"""Presigns uploads to S3: reads one JSON request per line, and writes one JSON response per line, in order.

Keys, region and endpoint are those of all AWS tools: AWS_ACCESS_KEY_ID, AWS_PROFILE, ~/.aws, AWS_ENDPOINT_URL_S3.
"""

import datetime
import json
import os
import sys

import boto3
import botocore.config
import botocore.exceptions

LIFETIME = datetime.timedelta(minutes=15)


def presign(s3, request):
    """Returns the response to one request. Every header that the upload carries is signed."""
    if request["version"] != 1:
        raise ValueError(f"version {request['version']} of the request is unknown")
    digests = {"sha256": "x-amz-checksum-sha256", "md5": "content-md5"}
    added = {header: request[name] for name, header in digests.items() if name in request}
    signed = request["headers"] | added | {"content-length": str(request["contentLength"])}
    if "contentType" in request:
        signed["content-type"] = request["contentType"]

    expires_at = datetime.datetime.now(datetime.timezone.utc) + LIFETIME

    # The presigner knows some headers as parameters only; this hook adds all of them as they are.
    def add_headers(request, **_):
        for header in signed.items():
            request.headers.add_header(*header)

    s3.meta.events.register("before-sign.s3.PutObject", add_headers)
    try:
        target = {"Bucket": request["bucket"], "Key": request["key"]}
        url = s3.generate_presigned_url("put_object", target, ExpiresIn=int(LIFETIME.total_seconds()))
    finally:
        s3.meta.events.unregister("before-sign.s3.PutObject", add_headers)
    return {
        "artifactName": request["artifactName"],
        "url": url,
        "headers": added,
        "expiresAt": expires_at.isoformat(timespec="seconds"),
    }


def main():
    """Presigns until the input ends. A request that is refused costs only its own artifact."""
    s3 = boto3.client(
        "s3",
        endpoint_url=os.environ.get("AWS_ENDPOINT_URL_S3"),
        config=botocore.config.Config(signature_version="s3v4"),
    )
    for line in sys.stdin:
        try:
            response = presign(s3, json.loads(line))
        except botocore.exceptions.NoCredentialsError:
            advice = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, for the exporter"
            response = {"error": {"message": f"the command has no keys of the store: {advice}"}}
        except (KeyError, TypeError, ValueError, botocore.exceptions.BotoCoreError) as error:
            response = {"error": {"message": f"{type(error).__name__}: {error}"}}
        print(json.dumps(response), flush=True)


main()
