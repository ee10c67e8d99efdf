module CellOS.Export.S3.Core.Tests.VerdictTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

let private sent = Outcomes.whole 3L

let private error code message = {
    Code = code
    Message = message
    RequestId = None
    HostId = None
    Region = None
    Endpoint = None
    Details = []
}

let private reply status code = {
    Reply.Of status with
        Error = code |> Option.map (fun code -> error code None)
}

let private verdict writeOnce status code =
    Verdict.ofOutcome
        {
            Circumstances.defaults with
                WriteOnce = writeOnce
        }
        (Outcome.Replied(reply status code))

let private again = Verdict.Retry FailureKind.Unavailable
let private refused = Verdict.Stop FailureKind.Refused
let private moved = Verdict.Stop FailureKind.Redirected

let private terminalCodes = [
    "InvalidToken"
    "RequestTimeTooSkewed"
    "SignatureDoesNotMatch"
    "AccessDenied"
]

let private transientCodes = [ "InternalError"; "SlowDown"; "ServiceUnavailable" ]

/// Codes of section 7 and others that S3 sends.
let private codes =
    terminalCodes
    @ transientCodes
    @ [
        "ExpiredToken"
        "RequestTimeout"
        "OperationAborted"
        "ConditionalRequestConflict"
        "BadDigest"
        "IncompleteBody"
        "NoSuchBucket"
        "EntityTooLarge"
        "InvalidRequest"
        "PreconditionFailed"
        "KeyTooLongError"
        "slowdown"
        "Unheard.Of"
    ]

/// The first table of docs/behaviour.md#verdicts, for a request without write-once, once more in other words.
let private expected (status: int) (code: string option) =
    let code = defaultArg code ""

    if status / 100 = 2 then
        match code with
        | "" -> Verdict.Retry FailureKind.Unreachable
        | code when List.contains code transientCodes -> Verdict.Retry FailureKind.NotAStore
        | "BadDigest"
        | "IncompleteBody" -> Verdict.RetryOnce
        | "ExpiredToken" -> Verdict.FreshUrl
        | _ -> Verdict.Stop FailureKind.NotAStore
    elif status < 200 || status > 599 then
        refused
    elif status / 100 = 3 then
        moved
    elif code = "ExpiredToken" && status <> 412 then
        Verdict.FreshUrl
    elif List.contains status [ 403; 412 ] then
        refused
    elif List.contains code terminalCodes then
        refused
    elif List.contains code transientCodes then
        again
    elif status / 100 = 5 && not (List.contains status [ 501; 505; 507 ]) then
        again
    elif status = 408 || status = 429 then
        again
    else
        match status, code with
        | 400, "RequestTimeout" -> Verdict.Retry FailureKind.TimedOut
        | 400, ("BadDigest" | "IncompleteBody") -> Verdict.RetryOnce
        | 409, ("OperationAborted" | "ConditionalRequestConflict") -> again
        | _ -> refused

[<Tests>]
let replies =
    testList "Verdict on replies" [
        table
            "every status with every code"
            [
                for status in -1 .. 1000 do
                    for code in None :: List.map Some codes do
                        status, code
            ]
            (fun (status, code) -> verdict false status code)
            (fun (status, code) -> expected status code)

        table
            "write-once changes 412 and nothing else"
            [
                for status in 100..600 do
                    for code in None :: List.map Some codes do
                        status, code
            ]
            (fun (status, code) -> verdict true status code)
            (fun (status, code) ->
                if status = 412 then
                    Verdict.Stop FailureKind.AlreadyExists
                else
                    expected status code)

        table
            "the rows of the table, as they are written there"
            [
                for status in [ 500; 502; 503; 504; 508; 511; 599; 408; 429 ] do
                    (status, None), again
                for code in transientCodes do
                    for status in [ 400; 404; 409; 429; 500; 501; 503; 505 ] do
                        (status, Some code), again
                for code in
                    None
                    :: List.map
                        Some
                        (terminalCodes @ transientCodes @ [ "RequestTimeout"; "BadDigest"; "Unheard.Of" ]) do
                    (403, code), refused
                for code in terminalCodes do
                    for status in [ 400; 401; 409; 429; 500; 503 ] do
                        (status, Some code), refused
                for status in
                    [
                        400
                        401
                        404
                        405
                        407
                        409
                        410
                        411
                        412
                        413
                        414
                        416
                        418
                        499
                        501
                        505
                    ] do
                    (status, None), refused
                for status in [ 300; 301; 302; 303; 304; 307; 308; 399 ] do
                    (status, None), moved
                    (status, Some "SlowDown"), moved
                    (status, Some "TemporaryRedirect"), moved
                (400, Some "RequestTimeout"), Verdict.Retry FailureKind.TimedOut
                (408, Some "RequestTimeout"), again
                (400, Some "BadDigest"), Verdict.RetryOnce
                (400, Some "IncompleteBody"), Verdict.RetryOnce
                (409, Some "BadDigest"), refused
                (503, Some "BadDigest"), again
                (409, Some "OperationAborted"), again
                (409, Some "ConditionalRequestConflict"), again
                (409, Some "BucketAlreadyExists"), refused
                (400, Some "OperationAborted"), refused
                (400, Some "ExpiredToken"), Verdict.FreshUrl
                (403, Some "ExpiredToken"), Verdict.FreshUrl
                (503, Some "ExpiredToken"), Verdict.FreshUrl
                for status in [ -1; 0; 99; 100; 101; 102; 103; 199; 600; 999; Int32.MaxValue; Int32.MinValue ] do
                    (status, None), refused
                    (status, Some "SlowDown"), refused
            ]
            (fun ((status, code), _) -> verdict false status code)
            snd

        table
            "a refusal that speaks of expiry asks for a fresh URL"
            [
                (403, "AccessDenied", Some "Request has expired"), Verdict.FreshUrl
                (403, "AccessDenied", Some "REQUEST HAS EXPIRED."), Verdict.FreshUrl
                (400, "AccessDenied", Some "Request has expired"), Verdict.FreshUrl
                (403, "AccessDenied", Some "Access Denied"), refused
                (403, "AccessDenied", None), refused
                (403, "SignatureDoesNotMatch", Some "expired"), Verdict.FreshUrl
                (503, "SlowDown", Some "expired"), again
            ]
            (fun ((status, code, message), _) ->
                Verdict.ofOutcome
                    Circumstances.defaults
                    (Outcome.Replied {
                        Reply.Of status with
                            Error = Some(error code message)
                    }))
            snd

        testCase "a success counts once the whole body has been sent" (fun () ->
            for status in 200..299 do
                let reply = reply status None

                Expect.equal
                    (Verdict.ofOutcome Circumstances.defaults (Outcome.Replied reply))
                    (Verdict.Retry FailureKind.Unreachable)
                    $"{status}, too early"

                let whole = {
                    reply with
                        Sent = Some sent
                        ETag = Some "\"e\""
                }

                Expect.equal
                    (Verdict.ofOutcome Circumstances.defaults (Outcome.Replied whole))
                    (if SuccessStatus.ofStatus status = SuccessStatus.Stored then
                         Verdict.Accepted(whole, sent)
                     else
                         Verdict.Stop FailureKind.Unconfirmed)
                    $"{status}, after the body")

        propertyTimes
            300
            "headers do not matter"
            (Gen.zip3 (Gen.choose (300, 599)) (Gen.optionOf (Gen.elements codes)) anyText)
            (fun (status, code, junk) ->
                let dressed = {
                    reply status code with
                        ETag = Some junk
                        RequestId = Some junk
                        RetryAfter = Some junk
                        BucketRegion = Some junk
                        RedirectHost = Some junk
                        Sent = Some sent
                }

                Expect.equal
                    (Verdict.ofOutcome Circumstances.defaults (Outcome.Replied dressed))
                    (expected status code)
                    "the same")
    ]

[<Tests>]
let faults =
    let unreachable = Verdict.Retry FailureKind.Unreachable
    let timedOut = Verdict.Retry FailureKind.TimedOut

    testList "Verdict on faults" [
        table
            "every fault, whether or not the body had been sent"
            [
                FaultKind.NameResolution, unreachable
                FaultKind.ConnectionRefused, unreachable
                FaultKind.ConnectionReset, unreachable
                FaultKind.ConnectionClosed, unreachable
                FaultKind.ConnectTimeout, timedOut
                FaultKind.TlsTimeout, timedOut
                FaultKind.ProxyTlsTimeout, timedOut
                FaultKind.RequestTimeout, timedOut
                FaultKind.StallTimeout, timedOut
                FaultKind.RedirectFollowed, moved
                FaultKind.InvalidReply, unreachable
                FaultKind.Network, unreachable
                FaultKind.Proxy, unreachable
                FaultKind.TlsHandshake, unreachable
                FaultKind.NotTls, Verdict.Stop FailureKind.Unreachable
                FaultKind.ProxyNotTls, Verdict.Stop FailureKind.Unreachable
                FaultKind.NoUrl, Verdict.Retry FailureKind.Unavailable
                FaultKind.LocalFault, Verdict.Retry FailureKind.LocalFault
                FaultKind.CertificateUntrusted, Verdict.Stop FailureKind.CertificateRejected
                FaultKind.CertificateNameMismatch, Verdict.Stop FailureKind.CertificateRejected
                FaultKind.SourceNotFound, Verdict.Stop FailureKind.SourceNotFound
                FaultKind.SourceNotAFile, Verdict.Stop FailureKind.SourceNotAFile
                FaultKind.SourceAccessDenied, Verdict.Stop FailureKind.SourceAccessDenied
                FaultKind.SourceUnreadable, Verdict.Stop FailureKind.SourceUnreadable
                FaultKind.SourceChanged, Verdict.Stop FailureKind.SourceChanged
            ]
            (fun (kind, _) ->
                let fault = Fault.Create(kind, "detail", 0L)

                [ Outcome.NotSent fault; Outcome.Unknown fault ]
                |> List.collect (fun outcome -> [
                    Verdict.ofOutcome
                        {
                            Circumstances.defaults with
                                WriteOnce = true
                        }
                        outcome
                    Verdict.ofOutcome Circumstances.defaults outcome
                ]))
            (fun (_, expected) -> List.replicate 4 expected)

        table
            "after which outcomes the object may have been stored"
            [
                Outcome.NotSent(Fault.Create(FaultKind.ConnectionReset, "", 0L)), false
                Outcome.Unknown(Fault.Create(FaultKind.ConnectionReset, "", 0L)), true
                for status, whole, expected in
                    [
                        200, false, true
                        204, true, true
                        299, true, true
                        // A proxy, a filter or a portal may say so after the store has the object.
                        for status in [ 101; 199; 300; 302; 307; 400; 403; 408; 412; 429; 499; 507; 600 ] do
                            status, true, true
                            status, false, false
                        407, true, false
                        500, true, true
                        500, false, false
                        503, true, true
                        503, false, false
                    ] do
                    Outcome.Replied {
                        reply status None with
                            Sent = if whole then Some sent else None
                    },
                    expected
                for status, code, hasId, expected in
                    [
                        403, "AccessDenied", true, false
                        403, "AccessDenied", false, true
                        400, "BadDigest", true, false
                        400, "RequestTimeout", true, false
                        301, "PermanentRedirect", true, false
                        412, "PreconditionFailed", true, false
                        500, "InternalError", true, true
                        503, "SlowDown", true, true
                        507, "XMinioStorageFull", true, false
                        200, "AccessDenied", true, true
                    ] do
                    Outcome.Replied {
                        reply status (Some code) with
                            Sent = Some sent
                            RequestId = if hasId then Some "R1" else None
                    },
                    expected
                // Without a document it may be a proxy's or a portal's, in spite of an id.
                for status in [ 101; 302; 303; 304; 400; 403; 404; 426; 507 ] do
                    Outcome.Replied {
                        reply status None with
                            Sent = Some sent
                            RequestId = Some "R1"
                            ETag = Some $"\"{Outcomes.md5}\""
                    },
                    true
                for format, isNetwork, expected in
                    [
                        BodyFormat.Json, false, false
                        BodyFormat.Json, true, true
                        BodyFormat.Text, false, true
                        BodyFormat.Html, false, true
                    ] do
                    Outcome.Replied {
                        reply 404 None with
                            Sent = Some sent
                            RequestId = Some "R1"
                            IsRequestIdOfNetwork = isNetwork
                            Body =
                                Some {
                                    Format = format
                                    VisibleText = "x"
                                    Meaning = BodyMeaning.Error
                                }
                    },
                    expected
            ]
            (fst >> Verdict.mayHaveStored)
            snd

        propertyTimes
            300
            "a fault's detail is one short line without a secret"
            (Gen.zip anyTextOrNull secret)
            (fun (text, secret) ->
                let fault =
                    Fault.Create(FaultKind.Network, $"{text}\r\n?X-Amz-Signature={secret}", 1L)

                Expect.isEmpty (holds [ secret ] fault.Detail) "redacted"
                Expect.isTrue (fault.Detail.Length <= 301) "short"

                Expect.isFalse
                    (fault.Detail |> Seq.exists (fun c -> c = '\n' || c = '\r' || c = '\u2028'))
                    "one line"

                Expect.equal (Fault.Create(FaultKind.Network, text, 1L)).BytesSent 1L "bytes")
    ]
