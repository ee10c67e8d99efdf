module CellOS.Export.S3.Core.Tests.OutcomeStories

open System
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories

let private otherContent = {
    sent with
        Sha256 =
            Outcomes.otherDigests
            |> List.find (fun digest -> digest.Algorithm = DigestAlgorithm.Sha256)
}

[<Tests>]
let tests =
    testList "Push outcomes" [
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

        for name, plan, reply in
            [
                "a KMS ETag", given same, kmsReply
                "a KMS ETag where a digest is required", given (integrity IntegrityMode.Require), kmsReply
                "an accepted success without a mark",
                given acceptingUnmarked,
                { Reply.Of 200 with Sent = Some sent }
            ] do
            story
                $"a wrong ETag, then {name}: the other bytes may still be stored"
                plan
                [
                    started
                    attempted 0 {
                        stored with
                            ETag = Some(String('0', 32))
                    }
                    woke 500
                    attempted 500 reply
                ] [ "put 1"; "wait 500"; "put 2"; "IntegrityMismatch" ] [
                    "reported a digest of other bytes than were sent, and has confirmed no attempt since"
                    "Do not use the object in the store"
                    "may be stored"
                ]

        story
            "BadDigest, then a KMS ETag: the store does not hold the bytes that it refused"
            (given same)
            [
                started
                attempted 0 (error 400 "BadDigest" "no")
                woke 500
                attempted 500 kmsReply
            ] [ "put 1"; "wait 500"; "put 2"; "done unverified" ] []

        story "a KMS ETag is no MD5" (given same) [ started; attempted 0 kmsReply ] [
            "put 1"
            "done unverified"
        ] []

        story
            "a KMS ETag does not do where a digest is required"
            (given (integrity IntegrityMode.Require))
            [ started; attempted 0 kmsReply ] [ "put 1"; "Unverified" ] [
                "confirmed no digest"
                "may be stored"
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
            ] [ "HTTP 204 before it had the whole body"; "may be stored" ]

        story
            "a redirect is not followed"
            (given same)
            [ started; attempted 0 (error 301 "PermanentRedirect" "elsewhere") ] [ "put 1"; "Redirected" ] [
                "region is eu-west-1"
                "endpoint is b.s3.eu-west-1.amazonaws.com"
                "Redirects are never followed"
            ]

        story
            "the content changed between two attempts"
            (given same)
            [
                started
                attempted 0 { busy with Sent = Some sent }
                woke 500
                attempted 500 { stored with Sent = Some otherContent }
            ] [ "put 1"; "wait 500"; "put 2"; "SourceChanged" ] [ "content changed" ]

        story
            "the content changed after an attempt that had no answer"
            (given same)
            [
                started
                Input.Attempted(
                    at 0,
                    0.5,
                    Outcome.Unknown {
                        Fault.Create(FaultKind.ConnectionReset, "the line broke", 3L) with
                            Sent = Some sent
                    }
                )
                woke 500
                attempted 500 { stored with Sent = Some otherContent }
            ] [ "put 1"; "wait 500"; "put 2"; "SourceChanged" ] [ "content changed"; "may be stored" ]

        story
            "the transport followed a redirect"
            (given same)
            [ started; faulted 0 FaultKind.RedirectFollowed false ] [ "put 1"; "Redirected" ] [
                "the line broke"
                "may be stored"
            ]

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
        ] [ "3 bytes"; "2 are allowed"; "raise MaxObjectBytes" ]

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
                "CELLOS_CA_BUNDLE (in code: CaBundle)"
            ]

        story "a driver that reports what was not asked for" (given same) [ started; woke 1 ] [
            "put 1"
            "Internal"
        ] [ "not asked for"; "may be stored" ]

        story "a negative length" (given same) [ Input.Started(at 0, -1L) ] [ "Internal" ] [ "-1 bytes" ]

        testCase "no part of a secret is shown where a server's message is cut" (fun () ->
            let secret = "q1w2e3r4t5y6u7i8"

            for filler in [ 490..520 ] do
                let reply = error 403 "AccessDenied" (String('x', filler) + secret + " and more")

                for turn in feed (given same) [ started; attempted 0 reply ] do
                    let shown = $"%A{turn.Output}"
                    Expect.isFalse (shown.Contains(secret.Substring(0, 4))) $"after {filler} characters")

        testCase "nothing of a server's makes a terminal do anything" (fun () ->
            let escape = "\u001b[2J\u001b]0;pwned\u0007\u202e"

            let reply = {
                error 403 "AccessDenied" "no" with
                    RequestId = Some escape
                    BucketRegion = Some escape
                    RedirectHost = Some escape
            }

            let fault =
                Outcome.Unknown(Fault.Create(FaultKind.InvalidReply, "bad line: " + escape, 3L))

            for outcome in
                [
                    Outcome.Replied reply
                    Outcome.Replied {
                        reply with
                            Status = 307
                            Error = None
                    }
                    Outcome.Replied {
                        stored with
                            RequestId = Some escape
                            VersionId = Some escape
                    }
                    fault
                ] do
                for turn in feed (given same) [ started; Input.Attempted(at 0, 0.5, outcome) ] do
                    match turn.Output with
                    | Output.Failed failure ->
                        for text in [ failure.Message; defaultArg failure.RequestId "" ] do
                            Expect.isFalse (text |> Seq.exists Char.IsControl) text
                            Expect.isFalse (text.Contains '\u202e') text
                    | Output.Done receipt ->
                        for text in [ receipt.RequestId; receipt.VersionId ] do
                            Expect.isFalse (defaultArg text "" |> Seq.exists Char.IsControl) "a receipt"
                    | _ -> ())

        testCase "no body waits for 100 Continue where there is none" (fun () ->
            let always (target: Target) = {
                target with
                    ExpectContinueFrom = Some 0L
            }

            for length, expected in [ 0L, false; 1L, true ] do
                for turn in feed (given always) [ Input.Started(at 0, length) ] do
                    match turn.Output with
                    | Output.Put put -> Expect.equal put.ExpectContinue expected $"{length} bytes"
                    | output -> failtest $"a PUT was due, not {output}")
    ]
