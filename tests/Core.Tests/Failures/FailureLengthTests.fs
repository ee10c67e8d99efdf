/// The length of the messages on failures, over responses and faults of every kind.
module CellOS.Export.S3.Core.Tests.FailureLengthTests

open System
open System.Text.RegularExpressions
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.Responses

let private named (change: Target -> Target) (target: Target) =
    change {
        target with
            Name = TargetName.create "artifact-bucket" |> Result.toOption
    }

let private one = named (retrying 1 0 0)

/// The words of the core's own in a message: without the artifact's name, the attempts, and the words of a server.
let ownWords (failure: ExportFailure) =
    let without (pattern: string) (text: string) = Regex.Replace(text, pattern, "")

    failure.Reason
    |> without @"(?<=\. )(?:No attempt was made|\d+ attempts? in .*?(?:, request id \w+)?)\.$"
    |> without @"The object may be stored;.*?(?:replaces it|AlreadyExists)\."
    |> without @"The server may have the artifact;.*?again\."
    |> without @"HTTP \d+(?: [A-Z][\w.]+)?(?: \(""[^""]*""[^)]*\))?"
    |> without @" with (?:an HTML page|text)(?: \([^)]*\))?"
    |> without @"; Location: \S+"
    |> without @"; the URL is valid from .*?Z(?=\.|$)"
    |> without @"\(in code: \w+\)"
    |> fun text -> text.Split([| ' '; '\n' |], StringSplitOptions.RemoveEmptyEntries)
    |> Array.filter (Seq.exists Char.IsLetterOrDigit)
    |> _.Length

let private replies = [
    for status in
        [
            200
            202
            301
            302
            308
            400
            401
            403
            404
            405
            407
            411
            412
            413
            414
            417
            421
            431
            451
            500
            501
            502
            503
            507
            511
        ] do
        response status [] ""
        response status [ "x-amz-request-id", "R" ] ""
        page status "nginx" "w"
        response status [] "w"
        response status [ "Location", "https://login.example/" ] ""
        response status [ "Location", "/x" ] ""
        response status [ "Location", "https://other.example/" ] ""
    for code in
        [
            yield! CodeAdvice.codes
            "AccessDenied"
            "SignatureDoesNotMatch"
            "NotImplemented"
            "RequestTimeTooSkewed"
            "AuthorizationHeaderMalformed"
            "MalformedSecurityHeader"
            "InvalidRequest"
            "InvalidArgument"
            "SlowDown"
            "QuotaExceeded"
            "ExpiredToken"
            "RequestExpired"
        ] do
        for message in
            [
                "w"
                "not signed"
                "not yet valid"
                "Request has expired"
                "Content-MD5"
                "AWS4-HMAC-SHA256"
                "kms:"
                "object lock"
            ] do
            s3 400 code [ "Message", message ]
            s3 403 code [ "Message", message ]
    for header in
        [
            "x-amz-acl"
            "authorization"
            "content-length"
            "x-ms-version"
            "x-ms-blob-type"
        ] do
        s3 400 "MissingRequiredHeader" [ "HeaderName", header ]
]

/// Responses and faults of every kind.
let outcomes = [
    for reply in replies do
        Outcome.Replied reply

    for kind in
        [
            FaultKind.NameResolution
            FaultKind.ConnectionRefused
            FaultKind.ConnectionReset
            FaultKind.ConnectTimeout
            FaultKind.RequestTimeout
            FaultKind.StallTimeout
            FaultKind.TlsTimeout
            FaultKind.ProxyTlsTimeout
            FaultKind.TlsHandshake
            FaultKind.NotTls
            FaultKind.ProxyNotTls
            FaultKind.Proxy
            FaultKind.InvalidReply
            FaultKind.LocalFault
            FaultKind.CertificateUntrusted
            FaultKind.CertificateNameMismatch
            FaultKind.SourceNotFound
            FaultKind.SourceChanged
        ] do
        for status in [ None; Some 403; Some 407; Some 502 ] do
            for proxy in
                [
                    None
                    Some {
                        Authority = "p:1"
                        Variable = Some "HTTPS_PROXY"
                        HasCredentials = false
                    }
                ] do
                Outcome.NotSent {
                    Fault.Create(kind, "w", 0L) with
                        Proxy = proxy
                        ProxyStatus = (if kind = FaultKind.Proxy then status else None)
                }
]

[<Tests>]
let lengths =
    let waiting = named (retrying 3 100_000 100_000)

    let plans = [
        given one
        given (one >> writeOnce)
        given (one >> integrity IntegrityMode.Require)
        // No time for another attempt: the deadline, and the expiry of the URL.
        given (waiting >> within 5000)
        plan (Some(v4 60)) waiting
    ]

    testList "The length of a message" [
        testCase "is 45 words of the core's own at most" (fun () ->
            let tooLong = [
                for plan in plans do
                    for outcome in outcomes do
                        match
                            (List.last (feed plan [ started; Input.Attempted(at 1, 0.5, outcome) ])).Output
                        with
                        | Output.Failed failure when ownWords failure > 45 ->
                            $"{ownWords failure} words: {failure.Reason}"
                        | _ -> ()
            ]

            Expect.equal (List.distinct tooLong) [] "longer ones")
    ]
