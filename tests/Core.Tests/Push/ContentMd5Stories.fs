/// Stories of `Content-MD5`: when it is taken, when it is sent, and what is told of it.
module CellOS.Export.S3.Core.Tests.ContentMd5Stories

open System
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories

/// A success of a store, with its request id.
let private stored = { stored with RequestId = Some "REQ1" }

let private md5Taken (time: int) =
    Input.DigestsTaken(at time, digestsOf [ DigestAlgorithm.Md5 ])

let private signing (seconds: int) =
    (v4 seconds).Replace("=host", "=content-md5;host")

/// What goes with the requests, one after the other.
let private headers (turns: Turn list) =
    puts turns
    |> List.map (fun (_, put) ->
        put.Headers
        |> List.map (fun header -> $"{header.Name}: {RequestHeader.reveal header}")
        |> String.concat ", ")

let private off = integrity IntegrityMode.Off
let private value = Convert.ToBase64String(Array.replicate 16 0xbbuy)

let private other = {
    sent with
        Others =
            Outcomes.otherDigests
            |> List.filter (fun digest -> digest.Algorithm = DigestAlgorithm.Md5)
}

let private named (target: Target) = {
    target with
        Name = TargetName.create "object-lock.1" |> Result.toOption
}

let private lockReply =
    error 400 "InvalidRequest" "Content-MD5 OR x-amz-checksum- HTTP header is required"

[<Tests>]
let tests =
    testList "Content-MD5" [
        story
            "is taken before the first attempt where it was asked for"
            (given contentMd5)
            [ started; md5Taken 5; attempted 9 stored ] [ "md5"; "put 1"; "done content-md5" ] []

        story
            "is sent on its own account where it is signed"
            (plan (Some(signing 3600)) same)
            [ started; md5Taken 5; attempted 9 stored ] [ "md5"; "put 1"; "done content-md5" ] []

        story
            "confirms what an ETag cannot"
            (given (contentMd5 >> integrity IntegrityMode.Require))
            [
                started
                md5Taken 5
                attempted 9 {
                    kmsReply with
                        RequestId = Some "REQ1"
                }
            ] [ "md5"; "put 1"; "done content-md5" ] []

        story
            "goes with requests whose answer is not compared"
            (given (contentMd5 >> off))
            [ started; md5Taken 5; attempted 9 stored ] [ "md5"; "put 1"; "done content-md5" ] []

        story
            "does not excuse a wrong ETag"
            (given (contentMd5 >> retrying 1 0 0))
            [
                started
                md5Taken 5
                attempted 9 {
                    stored with
                        ETag = Some(String('0', 32))
                }
            ] [ "md5"; "put 1"; "IntegrityMismatch" ] []

        story
            "is taken once for all attempts"
            (given contentMd5)
            [ started; md5Taken 5; attempted 10 busy; woke 510; attempted 600 stored ] [
                "md5"
                "put 1"
                "wait 510"
                "put 2"
                "done content-md5"
            ] []

        testCase "is the Base64 of the MD5's octets, in every attempt" (fun () ->
            let turns =
                feed (given (contentMd5 >> writeOnce)) [ started; md5Taken 5; attempted 10 busy; woke 510 ]

            let line = $"Content-MD5: {value}, If-None-Match: *"
            Expect.sequenceEqual (headers turns) [ line; line ] "RFC 1864")

        testCase "is in the receipt where the sending pass took none" (fun () ->
            let turns =
                feed (given (contentMd5 >> off)) [
                    started
                    md5Taken 5
                    attempted 9 { stored with Sent = Some(sentWith []) }
                ]

            Expect.equal (receipt turns).Md5 (Some md5) "the one that was sent")

        testCase "goes with the URLs of a delegate that sign it, and with no other" (fun () ->
            let expired = error 403 "ExpiredToken" "no"

            let turns =
                feed (asked same) [
                    started
                    Input.UrlGiven(at 1, parsed (v4 60))
                    attempted 2 expired
                    Input.UrlGiven(at 3, parsed (signing 60))
                    md5Taken 4
                    attempted 5 expired
                    Input.UrlGiven(at 6, parsed (v4 3600))
                    attempted 7 stored
                ]

            Expect.sequenceEqual
                (turns |> List.map (fun turn -> word turn.Output))
                [ "ask 1"; "put 1"; "ask 2"; "md5"; "put 2"; "ask 3"; "put 3"; "done etag-md5" ]
                "what the driver is told"

            Expect.sequenceEqual (headers turns) [ ""; $"Content-MD5: {value}"; "" ] "what is sent")

        story
            "that takes longer than a delegate's URL serves is used with a fresh one"
            (asked contentMd5)
            [
                started
                Input.UrlGiven(at 0, parsed (v4 60))
                md5Taken 2000000
                Input.UrlGiven(at 2000001, parsed (v4 3600))
            ] [ "ask 1"; "md5"; "ask 1"; "put 1" ] []

        story
            "that takes longer than a given URL serves"
            (plan (Some(v4 60)) contentMd5)
            [ started; md5Taken 2000000 ] [ "md5"; "UrlExpired" ] [ "No attempt was made" ]

        story
            "is not taken for a URL that cannot be used"
            (plan (Some((signing 3600).Replace("=content", "=cache-control;content"))) contentMd5)
            [ started ] [ "UrlUnusable" ] [ "'cache-control'" ]

        story
            "is not taken past the deadline"
            (given (contentMd5 >> within 5000))
            [ started; woke 4999; woke 5000 ] [ "md5 until 5000"; "md5 until 5000"; "DeadlineExceeded" ] [
                "deadline of 5 s over all attempts passed before the first attempt"
                "No attempt was made"
            ]

        story
            "that is there only at the deadline is too late"
            (given (contentMd5 >> within 5000))
            [ started; md5Taken 5000 ] [ "md5 until 5000"; "DeadlineExceeded" ] []

        story
            "of a source that changes meanwhile"
            (given contentMd5)
            [
                started
                Input.NoSource(at 5, Fault.Create(FaultKind.SourceChanged, "the file grew", 0L))
            ] [ "md5"; "SourceChanged" ] [ "the file grew"; "No attempt was made" ]

        story
            "of other bytes than are sent then"
            (given (contentMd5 >> off))
            [ started; md5Taken 5; attempted 9 { stored with Sent = Some other } ] [
                "md5"
                "put 1"
                "SourceChanged"
            ] [ "changed after its MD5 had been taken"; "may be stored" ]

        story
            "that a server finds wrong, of other bytes than are sent then"
            (given contentMd5)
            [
                started
                md5Taken 5
                attempted 9 {
                    error 400 "BadDigest" "no" with
                        Sent = Some other
                }
            ] [ "md5"; "put 1"; "SourceChanged" ] []

        story
            "of another algorithm than was asked for is the driver's mistake"
            (given contentMd5)
            [ started; Input.DigestsTaken(at 5, digestsOf [ DigestAlgorithm.Crc32 ]) ] [ "md5"; "Internal" ] [
                "did not report the digests that were asked for"
            ]

        story "that nobody asked for is the driver's mistake" (given same) [ started; md5Taken 5 ] [
            "put 1"
            "Internal"
        ] []

        story "that a bucket wants is said how to send" once [ started; attempted 0 lockReply ] [
            "put 1"
            "Refused"
        ] [ "Object Lock"; "To send a Content-MD5, set ContentMd5;" ]

        story
            "that a bucket wants is said how to send, with the target's variable"
            (given named)
            [ started; attempted 0 lockReply ] [ "put 1"; "Refused" ] [
                "set CELLOS_EXPORT_S3_CONTENT_MD5__OBJECT_LOCK_1=1 (in code: ContentMd5)"
            ]

        story "that was sent in vain" (given contentMd5) [ started; md5Taken 1; attempted 2 lockReply ] [
            "md5"
            "put 1"
            "Refused"
        ] [ "a proxy that removes headers" ]

        story
            "that is signed with another value is told, with the file's own"
            (plan (Some(signing 3600)) same)
            [ started; md5Taken 1; attempted 2 (error 403 "SignatureDoesNotMatch" "no") ] [
                "md5"
                "put 1"
                "Refused"
            ] [ "The signature covers a digest"; $"Content-MD5 of this file is {value}" ]

        story
            "that a SigV2 URL was presigned without is told"
            (plan
                (Some "https://h/cell-1/logs/out.txt?AWSAccessKeyId=a&Signature=q1w2e3r4t5&Expires=1900000000")
                contentMd5)
            [ started; md5Taken 1; attempted 2 (error 403 "SignatureDoesNotMatch" "no") ] [
                "md5"
                "put 1"
                "Refused"
            ] [ "The signature covers a digest"; $"Content-MD5 of this file is {value}" ]

        story
            "that the URL does not sign is not what was signed wrongly"
            (given contentMd5)
            [ started; md5Taken 1; attempted 2 (error 403 "SignatureDoesNotMatch" "no") ] [
                "md5"
                "put 1"
                "Refused"
            ] [ "it may have been cut or changed" ]

        for option, plan, inputs, words in
            [
                "CELLOS_EXPORT_S3_DEADLINE_MS__OBJECT_LOCK_1 (in code: Deadline)",
                given (named >> within 500),
                [ started; attempted 0 busy ],
                [ "put 1"; "DeadlineExceeded" ]
                "CELLOS_EXPORT_S3_MAX_OBJECT_BYTES__OBJECT_LOCK_1 (in code: MaxObjectBytes)",
                given (named >> fun target -> { target with MaxObjectBytes = 2L }),
                [ started ],
                [ "SourceTooLarge" ]
                "CELLOS_CA_BUNDLE (in code: CaBundle)",
                given same,
                [ started; faulted 0 FaultKind.CertificateUntrusted true ],
                [ "put 1"; "CertificateRejected" ]
            ] do
            story $"a failure names the setting: {option}" plan inputs words [ option ]
    ]
