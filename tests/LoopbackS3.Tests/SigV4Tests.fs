module SigV4Tests

open System
open System.Collections.Generic
open Expecto
open LoopbackS3

/// The example of "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
let private scope = "20130524/us-east-1/s3/aws4_request"

let private query =
    "X-Amz-Algorithm=AWS4-HMAC-SHA256"
    + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"

let private secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

let private signature =
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

let private host = Dictionary(dict [ "host", "examplebucket.s3.amazonaws.com" ])

let private canonical =
    SigV4.CanonicalRequest("GET", "/test.txt", query + "&X-Amz-Signature=" + signature, host, "host")

let private toSign = SigV4.StringToSign("20130524T000000Z", scope, canonical)

[<Tests>]
let tests =
    testList "SigV4" [
        testCase "the canonical request is the one that AWS publishes" (fun () ->
            let expected =
                [
                    "GET"
                    "/test.txt"
                    query
                    "host:examplebucket.s3.amazonaws.com"
                    ""
                    "host"
                    "UNSIGNED-PAYLOAD"
                ]
                |> String.concat "\n"

            Expect.equal canonical expected "canonical request")

        testCase "the string to sign is the one that AWS publishes" (fun () ->
            let expected =
                "AWS4-HMAC-SHA256\n20130524T000000Z\n"
                + scope
                + "\n3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04"

            Expect.equal toSign expected "string to sign")

        testCase "the signature is the one that AWS publishes" (fun () ->
            Expect.equal (SigV4.Signature(secret, scope, toSign)) signature "signature")

        testCase "the path is encoded anew but not normalized" (fun () ->
            for raw, expected in
                [
                    "/b/%7Ea", "/b/~a"
                    "/b//x/./y/../z", "/b//x/./y/../z"
                    "/b/a%2Fb", "/b/a/b"
                    "/b/a+b", "/b/a%2Bb"
                    "/b/%c3%a9", "/b/%C3%A9"
                    "/b/(x)'*!", "/b/%28x%29%27%2A%21"
                ] do
                Expect.equal (SigV4.CanonicalUri raw) expected raw)

        testCase "the query is sorted by encoded name, then value" (fun () ->
            let sorted = SigV4.CanonicalQuery "b=2&a=z&a=%7e&B=1&empty&X-Amz-Signature=0"
            Expect.equal sorted "B=1&a=z&a=~&b=2&empty=" "canonical query")

        testCase "header values are trimmed and inner blanks collapsed" (fun () ->
            let headers = Dictionary(dict [ "host", "h"; "x-amz-meta-a", "  one   two " ])
            let text = SigV4.CanonicalRequest("PUT", "/", "", headers, "host;x-amz-meta-a")
            Expect.stringContains text "\nhost:h\nx-amz-meta-a:one two\n\n" "canonical headers")

        testCase "a URL of the presigner has all parameters, the signature last" (fun () ->
            let url =
                Presigner.Presign(
                    "PUT",
                    Uri "http://127.0.0.1:9000",
                    "b",
                    "a b/ü.txt",
                    "AK",
                    "SK",
                    "eu-west-1",
                    DateTimeOffset.UnixEpoch,
                    TimeSpan.FromMinutes 5.
                )

            Expect.stringStarts
                url
                ("http://127.0.0.1:9000/b/a%20b/%C3%BC.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                 + "&X-Amz-Credential=AK%2F19700101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=19700101T000000Z"
                 + "&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature=")
                "URL")
    ]
