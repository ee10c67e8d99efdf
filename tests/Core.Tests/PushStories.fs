module CellOS.Export.S3.Core.Tests.PushStories

open System
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver

let private at (milliseconds: int) = noon + ms milliseconds

let private v4 (seconds: int) =
    $"https://evidence.s3.us-west-2.amazonaws.com/k?X-Amz-Date=20260301T120000Z&X-Amz-Expires={seconds}&X-Amz-SignedHeaders=host&X-Amz-Signature=q1w2e3r4t5y6u7i8"

let private given change = plan (Some(v4 3600)) change
let private asked change = plan None change

let private sent = {
    Bytes = 3L
    Sha256 = sha256
    Md5 = Some md5
}

let private stored = {
    Reply.Of 200 with
        Sent = Some sent
        ETag = Some $"\"{md5}\""
}

let private error status code message = {
    Reply.Of status with
        RequestId = Some "REQ1"
        Error =
            Some {
                Code = code
                Message = Some message
                RequestId = None
                HostId = None
                Region = Some "eu-west-1"
                Endpoint = Some "b.s3.eu-west-1.amazonaws.com"
            }
}

let private attempted (time: int) reply =
    Input.Attempted(at time, 0.5, Outcome.Replied reply)

let private faulted (time: int) kind certain =
    let fault = Fault.Create(kind, "the line broke", 2L)
    Input.Attempted(at time, 0.5, (if certain then Outcome.NotSent fault else Outcome.Unknown fault))

let private started = Input.Started(at 0, 3L)
let private woke (time: int) = Input.Woke(at time)

let private word (output: Output) =
    match output with
    | Output.AskUrl attempt -> $"ask {attempt}"
    | Output.Put put -> $"put {put.Attempt}"
    | Output.Wait until -> $"wait {(until - noon).TotalMilliseconds}"
    | Output.Done receipt -> $"done {receipt.Integrity}"
    | Output.Failed failure -> $"{failure.Kind}"

/// Inputs, the words of the outputs, and what the last message says.
let private story name plan (inputs: Input list) (words: string list) (says: string list) =
    testCase name (fun () ->
        let turns = feed plan inputs

        Expect.sequenceEqual
            (turns |> List.map (fun turn -> word turn.Output))
            words
            "what the driver is told"

        match (List.last turns).Output with
        | Output.Failed failure ->
            for part in says do
                Expect.stringContains failure.Message part "what people are told"
        | _ -> ())

let private same (target: Target) = target
let private writeOnce (target: Target) = { target with WriteOnce = true }
let private integrity mode (target: Target) = { target with Integrity = mode }

let private within deadline (target: Target) = {
    target with
        Limits = {
            target.Limits with
                Deadline = Some(ms deadline)
        }
}

let private retrying attempts backoff cap (target: Target) = {
    target with
        Retry = policy RetryMode.Fixed attempts backoff cap
}

let private busy = Reply.Of 503
let private told seconds = { busy with RetryAfter = Some seconds }

let private kmsReply = {
    stored with
        ETag = Some(String('0', 32))
        ServerSideEncryption = Some "aws:kms"
}

[<Tests>]
let tests =
    testList "Push" [
        story "stored at once" (given same) [ started; attempted 9 stored ] [ "put 1"; "done etag-md5" ] []

        story "503, then 200" (given same) [ started; attempted 10 busy; woke 510; attempted 600 stored ] [
            "put 1"
            "wait 510"
            "put 2"
            "done etag-md5"
        ] []

        story
            "503 in all attempts"
            (given same)
            [
                started
                attempted 0 busy
                woke 500
                attempted 500 busy
                woke 1000
                attempted 1000 busy
            ] [ "put 1"; "wait 500"; "put 2"; "wait 1000"; "put 3"; "Unavailable" ] [
                "HTTP 503"
                "3 attempts in 1 s"
                "allow more attempts"
            ]

        story "expired before the start" (plan (Some(v4 60)) same) [ Input.Started(at 960001, 3L) ] [
            "UrlExpired"
        ] [
            "expired at 2026-03-01 12:01:00Z"
            "it is 2026-03-01 12:16:00Z now"
            "No attempt was made"
            "fresh presigned URL"
        ]

        story
            "expired by less than the skew is tried"
            (plan (Some(v4 60)) same)
            [ Input.Started(at 960000, 3L) ] [ "put 1" ] []

        story
            "a wait that would end past expiry is not begun"
            (plan (Some(v4 60)) (retrying 3 1000000 1))
            [ started; attempted 5 busy ] [ "put 1"; "UrlExpired" ] [
                "expires at 2026-03-01 12:01:00Z, before the next attempt could begin"
                "HTTP 503"
            ]

        story
            "S3 says that the URL has expired"
            (given same)
            [ started; attempted 5 (error 403 "AccessDenied" "Request has expired") ] [
                "put 1"
                "UrlExpired"
            ] [
                "the server says"
                "HTTP 403 AccessDenied (\"Request has expired\")"
                "request id REQ1"
            ]

        story
            "Retry-After above the cap is followed up to the cap"
            (given (retrying 3 500 2000))
            [ started; attempted 0 (told "3600"); woke 2000 ] [ "put 1"; "wait 2000"; "put 2" ] []

        story
            "Retry-After lengthens a wait, in milliseconds too"
            (given same)
            [
                started
                attempted 0 { busy with AmzRetryAfter = Some "700" }
                woke 700
                attempted 700 { busy with AmzRetryAfter = Some "3" }
            ] [ "put 1"; "wait 700"; "put 2"; "wait 1200" ] []

        story
            "Retry-After beyond the deadline ends the push at once"
            (given (within 5000))
            [ started; attempted 0 (told "6") ] [ "put 1"; "DeadlineExceeded" ] [
                "deadline of 5 s"
                "HTTP 503"
                "CELLOS_EXPORT_S3_DEADLINE_MS__<NAME>"
            ]

        story
            "no backoff means no wait"
            (given (retrying 2 0 0))
            [ started; attempted 0 busy; attempted 0 busy ] [ "put 1"; "put 2"; "Unavailable" ] []

        story
            "the deadline cuts an attempt's time"
            (given (within 5000))
            [ started; faulted 5000 FaultKind.RequestTimeout false ] [ "put 1"; "DeadlineExceeded" ] [
                "deadline of 5 s"
                "may have been stored"
            ]

        story
            "a deadline that the last attempt used up"
            (given (within 5000))
            [ started; faulted 5000 FaultKind.ConnectionReset true ] [ "put 1"; "DeadlineExceeded" ] [
                "the line broke"
            ]

        story
            "a delegate is asked, and asked again after an expiry"
            (asked same)
            [
                started
                Input.UrlGiven(at 1, parsed (v4 60))
                attempted 2 (error 403 "ExpiredToken" "no")
                Input.UrlGiven(at 3, parsed (v4 3600))
                attempted 4 stored
            ] [ "ask 1"; "put 1"; "ask 2"; "put 2"; "done etag-md5" ] []

        story
            "a delegate's URL that still serves is used again"
            (asked same)
            [ started; Input.UrlGiven(at 0, parsed (v4 60)); attempted 0 busy; woke 500 ] [
                "ask 1"
                "put 1"
                "wait 500"
                "put 2"
            ] []

        story
            "a delegate's URL that expired while waiting is asked for anew"
            (asked (retrying 3 2000000 1))
            [
                started
                Input.UrlGiven(at 0, parsed (v4 60))
                attempted 0 busy
                woke 2000000
            ] [ "ask 1"; "put 1"; "wait 2000000"; "ask 2" ] []

        story "a delegate has no URL" (asked same) [ started; Input.NoUrl(at 1, "the broker is away") ] [
            "ask 1"
            "UrlUnusable"
        ] [ "the broker is away" ]

        story
            "no fresh URL for an attempt that is not left"
            (asked (retrying 1 0 0))
            [
                started
                Input.UrlGiven(at 0, parsed (v4 60))
                attempted 0 (error 403 "ExpiredToken" "no")
            ] [ "ask 1"; "put 1"; "UrlExpired" ] []

        story
            "a signed header that nobody supplies"
            (plan (Some((v4 60).Replace("=host", "=content-md5;host;x-amz-security-token;x-amz-acl"))) same)
            [ started ] [ "UrlUnusable" ] [
                "'content-md5'"
                "'x-amz-security-token'"
                "'x-amz-acl'"
                "No attempt was made"
            ]

        story "412 with write-once" (given writeOnce) [ started; attempted 0 (Reply.Of 412) ] [
            "put 1"
            "AlreadyExists"
        ] [ "was not overwritten" ]

        story
            "412 with write-once after an unknown outcome"
            (given writeOnce)
            [
                started
                faulted 0 FaultKind.ConnectionReset false
                woke 500
                attempted 500 (Reply.Of 412)
            ] [ "put 1"; "wait 500"; "put 2"; "AlreadyExists" ] [ "may be its own"; "Compare" ]

        story "412 without write-once" (given same) [ started; attempted 0 (Reply.Of 412) ] [
            "put 1"
            "Refused"
        ] [ "HTTP 412" ]

        story
            "BadDigest twice"
            (given (retrying 5 500 500))
            [
                started
                attempted 0 (error 400 "BadDigest" "no")
                woke 500
                attempted 500 (error 400 "BadDigest" "no")
            ] [ "put 1"; "wait 500"; "put 2"; "IntegrityMismatch" ] [ "received other bytes"; "2 attempts" ]

        story
            "BadDigest, then IncompleteBody, is twice too"
            (given (retrying 5 500 500))
            [
                started
                attempted 0 (error 400 "BadDigest" "no")
                woke 500
                attempted 500 (error 400 "IncompleteBody" "no")
            ] [ "put 1"; "wait 500"; "put 2"; "IntegrityMismatch" ] []

        story
            "a wrong ETag once"
            (given same)
            [
                started
                attempted 0 {
                    stored with
                        ETag = Some(String('0', 32))
                }
                woke 500
                attempted 500 stored
            ] [ "put 1"; "wait 500"; "put 2"; "done etag-md5" ] []

        story "a KMS ETag is no MD5" (given same) [ started; attempted 0 kmsReply ] [
            "put 1"
            "done unverified"
        ] []

        story
            "a KMS ETag does not do where a digest is required"
            (given (integrity IntegrityMode.Require))
            [ started; attempted 0 kmsReply ] [ "put 1"; "Unverified" ] [
                "confirmed no digest"
                "may have been stored"
            ]

        story
            "a wrong ETag does not matter where nothing is compared"
            (given (integrity IntegrityMode.Off))
            [
                started
                attempted 0 {
                    stored with
                        ETag = Some(String('0', 32))
                }
            ] [ "put 1"; "done unverified" ] []

        story
            "an early 2xx is an unknown outcome"
            (given (retrying 2 500 1))
            [ started; attempted 0 (Reply.Of 200); woke 500; attempted 500 (Reply.Of 204) ] [
                "put 1"
                "wait 500"
                "put 2"
                "Unreachable"
            ] [ "HTTP 204 before it had the whole body"; "may have been stored" ]

        story
            "a redirect is not followed"
            (given same)
            [ started; attempted 0 (error 301 "PermanentRedirect" "elsewhere") ] [ "put 1"; "Redirected" ] [
                "region is eu-west-1"
                "endpoint is b.s3.eu-west-1.amazonaws.com"
                "redirects are never followed"
            ]

        story
            "the content changed between two attempts"
            (given same)
            [
                started
                attempted 0 { busy with Sent = Some sent }
                woke 500
                attempted 500 {
                    stored with
                        Sent = Some { sent with Sha256 = String('c', 64) }
                }
            ] [ "put 1"; "wait 500"; "put 2"; "SourceChanged" ] [ "content changed" ]

        story
            "more bytes than were announced"
            (given same)
            [
                started
                attempted 0 {
                    stored with
                        Sent = Some { sent with Bytes = 4L }
                }
            ] [ "put 1"; "SourceChanged" ] [ "3 bytes"; "4 were sent" ]

        story "too large" (given (fun target -> { target with MaxObjectBytes = 2L })) [ started ] [
            "SourceTooLarge"
        ] [ "3 bytes"; "2 are allowed"; "CELLOS_EXPORT_S3_MAX_OBJECT_BYTES" ]

        story "as large as may be" (given (fun target -> { target with MaxObjectBytes = 3L })) [ started ] [
            "put 1"
        ] []

        story
            "no source"
            (given same)
            [
                Input.NoSource(at 0, Fault.Create(FaultKind.SourceNotFound, "no such file", 0L))
            ] [ "SourceNotFound" ] [ "no such file"; "Check the path" ]

        story
            "an untrusted certificate"
            (given same)
            [ started; faulted 0 FaultKind.CertificateUntrusted true ] [ "put 1"; "CertificateRejected" ] [
                "CELLOS_CA_BUNDLE"
            ]

        story "a driver that reports what was not asked for" (given same) [ started; woke 1 ] [
            "put 1"
            "Internal"
        ] [ "not asked for"; "may have been stored" ]

        story "a negative length" (given same) [ Input.Started(at 0, -1L) ] [ "Internal" ] [ "-1 bytes" ]
    ]

let private once = given (retrying 1 0 0)

let private stalling (target: Target) = {
    target with
        Limits = {
            target.Limits with
                StallTimeout = Some(ms 250)
        }
}

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
            "may have been stored"
        ]

        story "the connect timeout" once [ started; faulted 10000 FaultKind.ConnectTimeout true ] [
            "put 1"
            "TimedOut"
        ] [ "no connection within 10 s"; "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS" ]

        story
            "the stall timeout"
            (given (retrying 1 0 0 >> stalling))
            [ started; faulted 900 FaultKind.StallTimeout true ] [ "put 1"; "TimedOut" ] [
                "no byte moved for 250 ms"
                "2 of 3 bytes"
                "CELLOS_EXPORT_S3_STALL_TIMEOUT_MS"
            ]

        story "the server's own timeout" once [ started; attempted 0 (error 400 "RequestTimeout" "idle") ] [
            "put 1"
            "TimedOut"
        ] [ "HTTP 400 RequestTimeout" ]

        for status, code, message, says in
            [
                403, "SignatureDoesNotMatch", "no", "Presign exactly this method (PUT)"
                403,
                "AccessDenied",
                "There were headers present in the request which were not signed",
                "A header was sent that the signature does not cover"
                403, "AccessDenied", "no", "may put objects under this key"
                403, "RequestTimeTooSkewed", "no", "Set the clock"
                403, "InvalidAccessKeyId", "no", "does not exist"
                400, "AuthorizationQueryParametersError", "no", "presign for eu-west-1"
                404, "NoSuchBucket", "no", "Create the bucket"
                400, "InvalidRequest", "Content-MD5 is required", "Object Lock"
                400, "EntityTooLarge", "no", "split it"
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
                        }
                    ]
                )

            Expect.equal (receipt.TargetKind, receipt.Attempts, receipt.BytesWritten) ("s3", 1, 3L) "counts"

            Expect.equal
                (receipt.ObjectUrl)
                (Some "https://evidence.s3.us-west-2.amazonaws.com/k")
                "no query"

            Expect.equal (receipt.Sha256, receipt.Md5) (sha256, Some md5) "digests"

            Expect.equal
                (receipt.ETag, receipt.VersionId, receipt.RequestId)
                (Some $"\"{md5}\"", Some "v", Some "r")
                "reply"

            Expect.equal (receipt.StartedAt, receipt.CompletedAt) (noon, at 1500) "times")

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
