module CellOS.Export.S3.Core.Tests.FailureTests

open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories

[<Tests>]
let messages =
    testList "Failure messages" [
        story "the request timeout" once [ started; faulted 30000 FaultKind.RequestTimeout false ] [
            "put 1"
            "TimedOut"
        ] [
            "request timeout of 30 s"
            "2 of 3 bytes"
            "1 attempt in 30 s"
            "CELLOS_EXPORT_S3_TIMEOUT_MS"
            "may be stored"
        ]

        story "the connect timeout" once [ started; faulted 10000 FaultKind.ConnectTimeout true ] [
            "put 1"
            "TimedOut"
        ] [
            "no connection within 10 s: the line broke"
            "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS"
        ]

        story
            "the stall timeout"
            (given (retrying 1 0 0 >> stalling))
            [ started; faulted 900 FaultKind.StallTimeout true ] [ "put 1"; "TimedOut" ] [
                "no byte moved for 250 ms"
                "2 of 3 bytes"
                "CELLOS_EXPORT_S3_STALL_TIMEOUT_MS (in code: StallTimeout)"
            ]

        story "the server's own timeout" once [ started; attempted 0 (error 400 "RequestTimeout" "idle") ] [
            "put 1"
            "TimedOut"
        ] [ "HTTP 400 RequestTimeout" ]

        for status, code, message, says in
            [
                403, "SignatureDoesNotMatch", "no", "Compare the URL with the presigner's"
                403,
                "AccessDenied",
                "There were headers present in the request which were not signed",
                "The request had a header that the signature does not cover"
                403, "AccessDenied", "no", "have the permission s3:PutObject for this object"
                403, "RequestTimeTooSkewed", "no", "Set the clock"
                403, "AccessDenied", "Request is not yet valid", "set the clock"
                400, "InvalidRequest", "Please use AWS4-HMAC-SHA256.", "signed with SigV4"
                403, "InvalidAccessKeyId", "no", "does not exist"
                400, "AuthorizationQueryParametersError", "no", "signed for eu-west-1"
                404, "NoSuchBucket", "no", "Create the bucket"
                400, "InvalidRequest", "Content-MD5 is required", "Object Lock"
                400, "EntityTooLarge", "no", "split it"
                400, "MetadataTooLarge", "no", "x-amz-meta-"
            ] do
            story $"{status} {code} {message}" once [ started; attempted 0 (error status code message) ] [
                "put 1"
                "Refused"
            ] [ says; $"HTTP {status} {code}"; "request id REQ1" ]

        testCase "a failure carries the last reply" (fun () ->
            let failure =
                failure (feed once [ started; attempted 1500 (error 403 "AccessDenied" "no") ])

            Expect.equal
                (failure.Status, failure.Code, failure.RequestId)
                (Some 403, Some "AccessDenied", Some "REQ1")
                "reply"

            Expect.equal (failure.Attempts, failure.Elapsed) (1, ms 1500) "attempts and time"
            Expect.equal (failure.CellId, failure.ArtifactName) ("cell-1", "logs/out.txt") "names")

        testCase "a receipt carries what is known" (fun () ->
            let receipt =
                receipt (
                    feed once [
                        started
                        attempted 1500 {
                            stored with
                                VersionId = Some "v"
                                RequestId = Some "r"
                                HostId = Some "h"
                        }
                    ]
                )

            Expect.equal (receipt.TargetKind, receipt.Attempts, receipt.BytesWritten) ("s3", 1, 3L) "counts"

            Expect.equal
                (receipt.ObjectUrl)
                (Some "https://evidence.s3.us-west-2.amazonaws.com/cell-1/logs/out.txt")
                "no query"

            Expect.equal (receipt.Sha256, receipt.Md5) (sha256, Some md5) "digests"

            Expect.equal
                (receipt.ETag, receipt.VersionId, receipt.RequestId, receipt.HostId)
                (Some $"\"{md5}\"", Some "v", Some "r", Some "h")
                "reply"

            Expect.equal (receipt.StartedAt, receipt.CompletedAt) (noon, at 1500) "times")

        testCase "a receipt names the region of AWS's host, and not another that was set" (fun () ->
            let region (host: string) set =
                let url = (v4 3600).Replace("evidence.s3.us-west-2.amazonaws.com", host)

                let push = plan (Some url) (fun target -> { target with Region = set })

                (receipt (feed push [ started; attempted 1 stored ])).Region

            let own = "evidence.s3.us-west-2.amazonaws.com"
            Expect.equal (region own (Some "eu-west-1")) (Some "us-west-2") "another"
            Expect.equal (region own (Some "us-west-2")) (Some "us-west-2") "the same"
            Expect.equal (region own None) None "none was set"

            Expect.equal
                (region "evidence.s3.amazonaws.com" (Some "eu-west-1"))
                (Some "eu-west-1")
                "no region"

            Expect.equal (region "gw.example/evidence" (Some "eu-west-1")) (Some "eu-west-1") "not AWS's")

        testCase "a receipt and a failure mask what a server echoes" (fun () ->
            let echo = Some "x q1w2e3r4t5y6u7i8 y"

            let echoed (reply: Reply) = {
                reply with
                    ETag = echo
                    VersionId = echo
                    RequestId = echo
            }

            let receipt = receipt (feed once [ started; attempted 0 (echoed stored) ])
            let masked = Some "x REDACTED y"

            Expect.equal
                (receipt.ETag, receipt.VersionId, receipt.RequestId)
                (masked, masked, masked)
                "receipt"

            let failure =
                failure (
                    feed once [
                        started
                        attempted 0 (echoed (error 403 "q1w2e3r4t5y6u7i8" "q1w2e3r4t5y6u7i8"))
                    ]
                )

            Expect.equal (failure.Code, failure.RequestId) (Some "REDACTED", masked) "failure"
            Expect.stringContains failure.Message "REDACTED (\"REDACTED\")" "message")

        table
            "Expect: 100-continue from the set length on"
            [ Some 3L, true; Some 4L, false; Some 0L, true; None, false ]
            (fun (from, _) ->
                feed
                    (given (fun target -> {
                        target with
                            ExpectContinueFrom = from
                    }))
                    [ started ]
                |> puts
                |> List.exists (fun (_, put) -> put.ExpectContinue))
            snd
    ]
