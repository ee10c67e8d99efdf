/// The rows of the fault lab: each names a fault, and says what a push through it comes to.
module Facade.Tests.FaultLabTests

open System
open System.Collections.Generic
open System.IO
open System.IO.Compression
open System.Text
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.FaultLab
open Facade.Tests.FaultLaws
open Facade.Tests.Support
open LoopbackS3

/// What an attempt through a fault comes to, if it is the last one.
type private Ends =
    | Receipt
    | Failure of ExportFailureKind * status: int option * code: string option

type private Row = {
    Name: string
    Server: Server
    Setup: Setup
    Size: int
    Ends: Ends
    /// Whether another attempt is made; then it is also shown that a second one without the fault heals it.
    IsTransient: bool
    /// Whether the server sees the request.
    IsSeen: bool
    /// Whether it stores what it got.
    IsStored: bool
    MayBeStored: bool
    /// What the failure says, among other things.
    Says: string
    /// Where a limit strikes: from when on the request is in the state in which the limit is to find it. Then the clock
    /// passes the limit, and stands still otherwise: no limit strikes because the machine is slow.
    IsDue: (Seen -> bool) option
}

/// A fault that another attempt may heal.
let private transient name server kind = {
    Name = name
    Server = server
    Setup = { setup with Attempts = 2 }
    Size = 50_000
    Ends = Failure(kind, None, None)
    IsTransient = true
    IsSeen = true
    IsStored = false
    MayBeStored = false
    Says = ""
    IsDue = None
}

let private unreachable name server =
    transient name server ExportFailureKind.Unreachable

let private timedOut name server =
    transient name server ExportFailureKind.TimedOut

let private answered status code row = {
    row with
        Ends =
            match row.Ends with
            | Failure(kind, _, _) -> Failure(kind, Some status, code)
            | Receipt -> Receipt
}

/// A server that is not able to, after the whole body: nobody knows what it did with it.
let private unavailable name status code server =
    {
        transient name server ExportFailureKind.Unavailable with
            MayBeStored = true
    }
    |> answered status code

/// A fault that ends the push.
let private terminal name server kind status code =
    {
        transient name server kind with
            IsTransient = false
            Setup = setup
    }
    |> answered status code

/// A fault that is none, looked at closely.
let private harmless name server = {
    transient name server ExportFailureKind.Internal with
        Ends = Receipt
        IsTransient = false
        IsStored = true
        Setup = { setup with Attempts = 1 }
}

let private unseen row = { row with IsSeen = false }
let private doubtful row = { row with MayBeStored = true }

let private stored row = {
    row with
        IsStored = true
        MayBeStored = true
}

let private says text row = { row with Says = text }
let private sized size row = { row with Size = size }

let private limited change row = { row with Setup = change row.Setup }

/// A limit strikes once the server has the whole body.
let private dueAfterBody row = {
    row with
        IsDue = Some(fun seen -> seen.BodySha256.IsSome)
}

/// A limit strikes once the server has the head, at least.
let private dueBeforeBody row = { row with IsDue = Some(fun _ -> true) }

let private within limit =
    limited (fun setup -> { setup with RequestTimeout = limit })

let private stallingAfter limit =
    limited (fun setup -> { setup with StallTimeout = Some limit })

let private withoutExpect = limited (fun setup -> { setup with ExpectFrom = None })

let private expecting = limited (fun setup -> { setup with ExpectFrom = Some 1L })

// What servers say.

let private document code =
    $"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>No.</Message><RequestId>R1</RequestId></Error>"

let private refusal =
    let body = document "AccessDenied"
    $"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: {body.Length}\r\n\r\n{body}"

let private busy =
    let body = document "SlowDown"
    $"HTTP/1.1 503 Service Unavailable\r\nContent-Length: {body.Length}\r\n\r\n{body}"

let private signIn =
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to the network</body></html>"

/// A success with these headers, each with its line end, and this body.
let private successWith (headers: string) (body: string) =
    let length = if headers.Contains "X-Cut" then 1000 else body.Length
    $"HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n{body}"

let private success = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/// Takes the body whole, says this, and goes on or closes.
let private saying (text: string) (close: bool) =
    raw (fun exchange ->
        task {
            do! takeWhole exchange
            do! exchange.Send text

            if close then
                exchange.Close()
        })

/// The same, having stored the body.
let private storing (text: string) (close: bool) =
    raw (fun exchange ->
        task {
            do! takeWhole exchange
            exchange.Store()
            do! exchange.Send text

            if close then
                exchange.Close()
        })

/// Takes so much of the body and then does as told.
let private after (count: int64) (next: Exchange -> Task) (exchange: Exchange) : Task =
    task {
        do! giveLeave exchange
        do! exchange.Read count
        do! next exchange
    }

let private reset (exchange: Exchange) : Task = task { exchange.Reset() }

let private close (exchange: Exchange) : Task = task { exchange.Close() }

let private finish (exchange: Exchange) : Task = task { do! exchange.FinishAndHold() }

let private hold (exchange: Exchange) : Task = task { do! exchange.Hold() }

let private gzipped (text: string) =
    use out = new MemoryStream()

    do
        use stream = new GZipStream(out, CompressionLevel.Fastest)
        stream.Write(Encoding.UTF8.GetBytes text)

    out.ToArray()

let private size = 50_000L

let private connections = [
    unreachable "nobody listens" refusing |> unseen
    unreachable "no such host" unresolvable
    |> unseen
    |> says "no-such-host.invalid"
    |> limited (fun setup -> { setup with Attempts = 1 })
    timedOut "the backlog is full" overrun
    |> unseen
    |> says "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS"
    |> limited (fun setup -> {
        setup with
            ConnectTimeout = seconds 0.4
    })
    unreachable "a reset instead of the body" (s3 Fault.ResetBeforeBody) |> doubtful
    unreachable "a reset after 1 byte" (s3 (Fault.ResetWithinBody 1L)) |> doubtful
    unreachable "a reset after half of the body" (s3 (Fault.ResetWithinBody(size / 2L)))
    |> doubtful

    for count in [ 0L; 1L; 15_000_000L ] do
        unreachable $"a reset after {count} of 30,000,000 bytes" (s3 (Fault.ResetWithinBody count))
        |> sized 30_000_000

        unreachable $"an end after {count} of 30,000,000 bytes" (raw (after count finish))
        |> sized 30_000_000

        unreachable $"an end with a reset after {count} of 30,000,000 bytes" (raw (after count close))
        |> sized 30_000_000

    unreachable "a reset instead of 100 Continue" (s3 Fault.ResetBeforeBody)
    |> expecting

    for size in [ 0; 1; 50_000; 2_000_000 ] do
        unreachable $"a reset after {size} bytes, all of them, and nothing stored"
        <| s3 (Fault.ResetAfterBody(store = false))
        |> sized size
        |> doubtful

        unreachable $"a reset after {size} bytes, all of them, and stored"
        <| s3 (Fault.ResetAfterBody(store = true))
        |> sized size
        |> stored

        unreachable $"an end after {size} bytes, all of them, and nothing stored"
        <| s3 (Fault.CloseAfterBody(store = false))
        |> sized size
        |> doubtful

        unreachable $"an end after {size} bytes, all of them, and stored"
        <| s3 (Fault.CloseAfterBody(store = true))
        |> sized size
        |> stored

        unreachable $"half a connection after {size} bytes, all of them" (raw (after (int64 size) finish))
        |> sized size
        |> doubtful
]

let private replies = [
    for name, text in
        [
            "nothing but H", "H"
            "half a protocol", "HTTP/1."
            "half a status", "HTTP/1.1 20"
            "a status line without its end", "HTTP/1.1 200 OK\r"
            "half a header", "HTTP/1.1 200 OK\r\nETa"
            "headers without their end", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
            "an interim answer and no other", "HTTP/1.1 103 Early Hints\r\n\r\n"
        ] do
        unreachable $"an answer that breaks off: {name}" (storing text true) |> stored

    unreachable "HTTP/0.9" (saying "<html>It works!</html>\r\n" true) |> doubtful
    unreachable "another protocol" (saying "+OK POP3 ready\r\n" true) |> doubtful
    unreachable "binary" (saying "\022\003\001\000\200\255\r\n\r\n" true)
    |> doubtful
    unreachable "a status of two digits" (saying "HTTP/1.1 20 OK\r\n\r\n" true)
    |> doubtful

    unreachable "200 KB of headers"
    <| storing
        ("HTTP/1.1 200 OK\r\n"
         + String.replicate 2000 ("X-Filler: " + String('x', 88) + "\r\n")
         + "\r\n")
        true
    |> stored

    unreachable "a NUL in the status line"
    <| storing "HTTP/1.1 200 O\000K\r\nContent-Length: 0\r\n\r\n" true
    |> stored

    unreachable "one header of 200 KB"
    <| storing ("HTTP/1.1 200 OK\r\nX: " + String('x', 200_000) + "\r\n\r\n") true
    |> stored

    harmless "HTTP/1.0" (storing "HTTP/1.0 200 OK\r\nETag: \"1f-4\"\r\n\r\n" true)
    // The platform takes it for a blank (RFC 9110, 5.5).
    harmless "a NUL in a header"
    <| storing "HTTP/1.1 200 OK\r\nx-amz-request-id: a\000b\r\nContent-Length: 0\r\n\r\n" false

    harmless "no reason phrase"
    <| storing "HTTP/1.1 200\r\nx-amz-request-id: R1\r\nContent-Length: 0\r\n\r\n" false
    harmless "201"
    <| storing "HTTP/1.1 201 Created\r\nx-ms-request-id: R1\r\nContent-Length: 0\r\n\r\n" false
    harmless "204" (storing "HTTP/1.1 204 No Content\r\nx-trans-id: R1\r\n\r\n" false)
    harmless "a success with an empty page, as Swift sends it"
    <| storing
        "HTTP/1.1 201 Created\r\nContent-Type: text/html; charset=UTF-8\r\nx-trans-id: R1\r\nContent-Length: 0\r\n\r\n"
        false
    harmless "a success with a result document"
    <| storing (successWith "x-amz-request-id: R1\r\n" "<PutObjectResult/>") false
    harmless "a success with blanks that keep the connection alive"
    <| storing
        "HTTP/1.1 200 OK\r\nx-amz-request-id: R1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n1\r\n \r\n0\r\n\r\n"
        false

    // The response was about to say more, perhaps an error.
    for name, text in
        [
            "is short", "Content-Length: 100\r\n\r\nshort"
            "does not come", "Content-Type: application/xml\r\nContent-Length: 243\r\n\r\n"
            "has a bad chunk", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"
            "ends within a chunk", "Transfer-Encoding: chunked\r\n\r\n10\r\n"
            "has no last chunk", "Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n"
        ] do
        let success mark = $"HTTP/1.1 200 OK\r\n{mark}\r\n{text}"

        {
            unreachable $"a success whose body {name}" (storing (success "x-amz-request-id: R1") true) with
                IsStored = true
                MayBeStored = true
        }
        |> answered 200 None
        |> says "broke off, so the response does not show that the object is stored"

        let server =
            raw (fun exchange ->
                task {
                    do! takeWhole exchange
                    exchange.Store()
                    do! exchange.Send(success $"ETag: {exchange.ETag}")
                    exchange.Close()
                })

        let whole = $"a success whose body {name}, and whose ETag is the digest"

        // What was read of it is no store's.
        if name = "is short" then
            unreachable whole server |> stored |> answered 200 None
        else
            harmless whole server

    for name, body in
        [
            "text", String.replicate 40000 "a "
            "white space before an error", String.replicate 70000 " " + document "InternalError"
        ] do
        terminal
            $"a success with too much {name}"
            (storing (successWith "x-amz-request-id: R1\r\n" body) true)
            ExportFailureKind.NotAStore
            200
            None
        |> stored
        |> says "a body of more than 65536 bytes, which no store sends"

    for name, body in
        [
            "that ends with the connection", "HTTP/1.1 200 OK\r\nx-amz-request-id: R1\r\n\r\nfine"
            "with a network's id", successWith "x-amz-request-id: R1\r\ncf-ray: 8b1f-FRA\r\n" "Hello World!"
        ] do
        terminal
            $"a success {name} and the words of a program"
            (storing body true)
            ExportFailureKind.Unconfirmed
            200
            None
        |> stored
        |> says "has a body that stores do not send, and no digest in it confirms the content"

    terminal
        "202 with a store's request id"
        (storing "HTTP/1.1 202 Accepted\r\nx-amz-request-id: R1\r\nContent-Length: 0\r\n\r\n" true)
        ExportFailureKind.Unconfirmed
        202
        None
    |> stored
    |> says "says that the upload was accepted and not processed yet"

    terminal
        "206 with an ETag that is not a digest"
        (storing "HTTP/1.1 206 Partial Content\r\nETag: \"1f-4\"\r\nContent-Length: 0\r\n\r\n" true)
        ExportFailureKind.Unconfirmed
        206
        None
    |> stored
    |> says "has a status that stores do not send in response to an upload"

    terminal
        "202 with the digest of the content"
        (raw (fun exchange ->
            task {
                do! takeWhole exchange
                exchange.Store()

                do!
                    exchange.Send
                        $"HTTP/1.1 202 Accepted\r\nETag: {exchange.ETag}\r\nContent-Length: 0\r\n\r\n"
            }))
        ExportFailureKind.Unconfirmed
        202
        None
    |> stored
    |> says "says that the upload was accepted and not processed yet"

    terminal
        "a network's request id alone"
        (storing "HTTP/1.1 200 OK\r\ncf-ray: 8b1f-FRA\r\nContent-Length: 0\r\n\r\n" true)
        ExportFailureKind.Unconfirmed
        200
        None
    |> stored

    // Something that is not a store answers in its place.
    for name, headers, body in
        [
            "a sign-in page", "Content-Type: text/html\r\n", signIn
            "a sign-in page with an ETag", "Content-Type: text/html\r\nETag: \"5f1-62a\"\r\n", signIn
            "a page without a content type", "ETag: \"5f1-62a\"\r\n", signIn
            "a page that does not come", "Content-Type: text/html\r\nETag: \"5f1\"\r\nX-Cut: 1\r\n", ""
            "a JSON error", "Content-Type: application/json\r\nETag: \"5f1\"\r\n", "{\"error\":\"denied\"}"
            "a JSON message", "x-amz-request-id: R1\r\n", "{\"message\":\"Forbidden\"}"
            "words of refusal", "x-amz-request-id: R1\r\n", "Access denied by policy"
            "an error result", "x-amz-request-id: R1\r\n", "<ErrorResult/>"
            "an error of another dialect",
            "x-amz-request-id: R1\r\n",
            "<ErrorResponse><Error/></ErrorResponse>"
        ] do
        terminal
            $"200 with {name}"
            (storing (successWith headers body) true)
            ExportFailureKind.NotAStore
            200
            None
        |> stored

    terminal
        "200 with an S3 error that is final"
        (storing (successWith "x-amz-request-id: R1\r\n" (document "AccessDenied")) true)
        ExportFailureKind.NotAStore
        200
        (Some "AccessDenied")
    |> stored

    for lengths in
        [
            "Content-Length: 0\r\nTransfer-Encoding: chunked"
            "Transfer-Encoding: chunked\r\nContent-Length: 0"
        ] do
        let body = document "AccessDenied"

        terminal
            $"200 with an S3 error in chunks ({lengths.Substring(0, 7)} first)"
            (storing
                $"HTTP/1.1 200 OK\r\nx-amz-request-id: R1\r\n{lengths}\r\n\r\n%x{body.Length}\r\n{body}\r\n0\r\n\r\n"
                true)
            ExportFailureKind.NotAStore
            200
            (Some "AccessDenied")
        |> stored

    {
        transient
            "200 with an S3 error that passes"
            (storing (successWith "x-amz-request-id: R1\r\n" (document "InternalError")) false)
            ExportFailureKind.NotAStore with
            MayBeStored = true
            IsStored = true
    }
    |> answered 200 (Some "InternalError")

    for status in [ "200 OK"; "201 Created"; "204 No Content" ] do
        terminal
            $"{status} without any mark of a store"
            (storing $"HTTP/1.1 {status}\r\nServer: portal\r\nContent-Length: 0\r\n\r\n" true)
            ExportFailureKind.Unconfirmed
            (int (status.Substring(0, 3)))
            None
        |> stored
        |> says "has none of the headers that stores send"

    for name, status, body in
        [
            "NooBaa's", "403 Forbidden", document "RequestExpired"
            "Azure's",
            "403 Forbidden",
            "<Error><Code>AuthenticationFailed</Code><AuthenticationErrorDetail>Signature not valid in the specified time frame: Start [Sun, 01 Mar 2026 10:00:00 GMT] - Expiry [Sun, 01 Mar 2026 11:00:00 GMT] - Current [Sun, 01 Mar 2026 12:00:00 GMT]</AuthenticationErrorDetail></Error>"
            "Swift's", "401 Unauthorized", "401 Unauthorized: Temp URL has expired"
            "Oracle's",
            "404 Not Found",
            "{\"code\":\"NotAuthenticatedOrNotFound\",\"message\":\"PAR does not exist or has expired\"}"
        ] do
        let row =
            terminal
                $"expiry in {name} words"
                (saying $"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\n\r\n{body}" true)
                ExportFailureKind.UrlExpired
                (int (status.Substring(0, 3)))
                None

        {
            row with
                Ends =
                    match name with
                    | "NooBaa's" -> Failure(ExportFailureKind.UrlExpired, Some 403, Some "RequestExpired")
                    | "Azure's" ->
                        Failure(ExportFailureKind.UrlExpired, Some 403, Some "AuthenticationFailed")
                    | _ -> row.Ends
        }

    for name, text, code in
        [
            "HTTP/1.0", "HTTP/1.0 403 Forbidden\r\n\r\n" + document "AccessDenied", Some "AccessDenied"
            "an error that ends with the connection",
            "HTTP/1.1 403 Forbidden\r\n\r\n" + document "AccessDenied",
            Some "AccessDenied"
            "an error that breaks off after its code",
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\n<Error><Code>AccessDenied</Code><Mess",
            Some "AccessDenied"
            "an error that breaks off before its code",
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\n<Error><Co",
            None
            "an error that is not there", "HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\n", None
            "chunks",
            "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "7\r\n<Error>\r\n19\r\n<Code>AccessDenied</Code>\r\n8\r\n</Error>\r\n0\r\n\r\n",
            Some "AccessDenied"
            "a bad chunk at once", "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", None
            "HTML",
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html><h1>Forbidden</h1><hr>&nbsp;",
            None
            "no body", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", None
        ] do
        terminal $"403 with {name}" (saying text true) ExportFailureKind.Refused 403 code
        |> says "HTTP 403"

    let gzip (exchange: Exchange) : Task =
        task {
            do! takeWhole exchange
            let body = gzipped (document "AccessDenied")

            do!
                exchange.Send
                    $"HTTP/1.1 403 Forbidden\r\nContent-Encoding: gzip\r\nContent-Length: {body.Length}\r\n\r\n"

            do! exchange.SendBytes body
        }

    // Nothing that was sent says that gzip is understood (RFC 9110, 12.5.3): the status has to do.
    terminal "403 with gzip that was not asked for" (raw gzip) ExportFailureKind.Refused 403 None

    let echo (exchange: Exchange) : Task =
        task {
            do! takeWhole exchange
            let target = exchange.Head.Split(' ')[1]

            let body =
                $"<Error><Code>AccessDenied</Code><Message>You sent {target}</Message></Error>"

            do!
                exchange.Send
                    $"HTTP/1.1 403 No {target}\r\nx-amz-request-id: {target}\r\nContent-Length: {body.Length}\r\n\r\n{body}"
        }

    terminal "403 that echoes the signed URL" (raw echo) ExportFailureKind.Refused 403 (Some "AccessDenied")

    unavailable "502 with HTML" 502 None (s3 (Fault.BrokenErrorBody(502, BrokenBody.Html)))
    unavailable "503 with binary" 503 None (s3 (Fault.BrokenErrorBody(503, BrokenBody.Binary)))

    unavailable "500 cut off" 500 (Some "InternalError")
    <| s3 (Fault.BrokenErrorBody(500, BrokenBody.TruncatedXml))

    unavailable "503 with a bomb of entities" 503 None
    <| s3 (Fault.BrokenErrorBody(503, BrokenBody.DoctypeBomb))

    unavailable "503 with 100 MiB of error" 503 (Some "InternalError")
    <| s3 (Fault.HugeErrorBody(503, 100L <<< 20))

    unavailable "500 with an endless error" 500 (Some "InternalError") (s3 (Fault.EndlessErrorBody()))
    unavailable "500" 500 None (s3 (Fault.Status(500)))
    unavailable "503 SlowDown" 503 (Some "SlowDown") (s3 (Fault.Status(503, "SlowDown")))

    // Without a document they may be a proxy's.
    unavailable "429" 429 None (s3 (Fault.Status(429)))
    unavailable "408" 408 None (s3 (Fault.Status(408)))

    unavailable "409 OperationAborted" 409 (Some "OperationAborted")
    <| s3 (Fault.Status(409, "OperationAborted"))
    |> fun row -> { row with MayBeStored = false }

    timedOut "400 RequestTimeout" (s3 (Fault.Status(400, "RequestTimeout")))
    |> answered 400 (Some "RequestTimeout")

    transient "400 BadDigest" (s3 (Fault.Status(400, "BadDigest"))) ExportFailureKind.IntegrityMismatch
    |> answered 400 (Some "BadDigest")

    for code in [ "AccessDenied"; "SlowDown" ] do
        terminal $"403 {code}" (s3 (Fault.Status(403, code))) ExportFailureKind.Refused 403 (Some code)

    terminal
        "400 ExpiredToken"
        (s3 (Fault.Status(400, "ExpiredToken")))
        ExportFailureKind.UrlExpired
        400
        (Some "ExpiredToken")

    terminal
        "404 NoSuchBucket"
        (s3 (Fault.Status(404, "NoSuchBucket")))
        ExportFailureKind.Refused
        404
        (Some "NoSuchBucket")
    |> says "Create the bucket"

    terminal "405" (s3 (Fault.Status(405))) ExportFailureKind.Refused 405 None
    |> doubtful
    // Any answer of the 500s to a whole body leaves it open what became of it.
    terminal "501" (s3 (Fault.Status(501))) ExportFailureKind.Refused 501 None
    |> doubtful

    terminal
        "503 that asks for more time than the deadline leaves"
        (s3 (Fault.Status(503, "SlowDown", retryAfter = "19")))
        ExportFailureKind.DeadlineExceeded
        503
        (Some "SlowDown")
    |> doubtful
    |> says "leaves no time for another attempt"
    |> limited (fun setup -> {
        setup with
            Deadline = Some(seconds 15.)
    })

    transient "a wrong ETag" (s3 Fault.WrongETag) ExportFailureKind.IntegrityMismatch
    |> answered 200 None
    |> stored

    transient "a flipped bit" (s3 Fault.Corrupt) ExportFailureKind.IntegrityMismatch
    |> answered 200 None
    |> stored

    harmless "the ETag of KMS, which is no MD5" (s3 Fault.KmsETag)

    terminal
        "the ETag of KMS, where a confirmation is required"
        (s3 Fault.KmsETag)
        ExportFailureKind.Unverified
        200
        None
    |> stored
    |> limited (fun setup -> {
        setup with
            Integrity = S3ExportIntegrity.Require
    })

    harmless "a wrong ETag that nobody looks at" (s3 Fault.WrongETag)
    |> limited (fun setup -> {
        setup with
            Integrity = S3ExportIntegrity.Off
    })
]

let private elsewhere = [
    for status in [ 301; 302; 303; 307; 308 ] do
        for size in [ 50_000; 2_000_000 ] do
            terminal
                $"{status} to another server, of {size} bytes"
                (redirecting (fun other ->
                    s3 (Fault.Redirect(status, other, "eu-west-1", "evidence.s3.eu-west-1.amazonaws.com"))))
                ExportFailureKind.Redirected
                status
                (Some(if status = 301 then "PermanentRedirect" else "TemporaryRedirect"))
            |> sized size
            |> says "eu-west-1"

    terminal
        "301 without a document, that tells the region"
        (saying
            "HTTP/1.1 301 Moved Permanently\r\nx-amz-bucket-region: eu-central-1\r\nContent-Length: 0\r\n\r\n"
            false)
        ExportFailureKind.Redirected
        301
        None
    |> says "eu-central-1"

    terminal
        "307 without a place"
        (saying "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n\r\n" false)
        ExportFailureKind.Redirected
        307
        None
]

/// Answers in the middle of a body that is too large to be on its way as a whole.
let private answeredEarly name expect =
    let in' answer store =
        raw (fun exchange ->
            task {
                do! giveLeave exchange
                do! exchange.Read 1_000_000L
                do! exchange.Send answer
                do! exchange.ReadAll()

                if store then
                    exchange.Store()
            })

    [
        {
            unavailable
                $"503 in the middle of the body, which is read, {name} Expect"
                503
                (Some "SlowDown")
                (in' busy false) with
                MayBeStored = false
        }
        unreachable
            $"200 in the middle of the body, which is then sent no further, {name} Expect"
            (in' success true)
        |> answered 200 None
        |> doubtful
    ]
    |> List.map (sized 30_000_000 >> expect)

let private interim =
    let leave (texts: string list) =
        raw (fun exchange ->
            task {
                for text in texts do
                    do! exchange.Send text

                do! exchange.ReadAll()
                exchange.Store()
                do! exchange.Send(ok exchange)
            })

    [
        harmless "100 Continue twice" (leave [ continue'; continue' ]) |> expecting
        harmless "102 Processing, then 100 Continue"
        <| leave [ "HTTP/1.1 102 Processing\r\n\r\n"; continue' ]
        |> expecting
        harmless "103 Early Hints, then 100 Continue"
        <| leave [ "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"; continue' ]
        |> expecting
        harmless "100 Continue that nobody asked for" (leave [ continue' ])
        |> withoutExpect

        // The client has leave, and the body is on its way: the refusal comes all the same.
        for name, expect in [ "with", expecting; "without", withoutExpect ] do
            let and' (next: Exchange -> Task) (exchange: Exchange) : Task =
                task {
                    do! giveLeave exchange
                    do! exchange.Send refusal
                    do! next exchange
                }

            terminal
                $"a refusal right after 100 Continue, and the body is read, {name} Expect"
                (raw (and' (fun exchange -> exchange.ReadAll())))
                ExportFailureKind.Refused
                403
                (Some "AccessDenied")
            |> sized 2_000_000
            |> expect

        yield! answeredEarly "with" expecting

        terminal
            "a refusal instead of 100 Continue"
            (raw (fun exchange ->
                task {
                    do! exchange.Send refusal
                    exchange.Close()
                }))
            ExportFailureKind.Refused
            403
            (Some "AccessDenied")
        |> expecting

        unavailable "503 instead of 100 Continue" 503 (Some "SlowDown")
        <| s3 (Fault.Status(503, "SlowDown", beforeBody = true))
        |> expecting
        |> fun row -> { row with MayBeStored = false }

        unreachable "200 before the body, from a server that would store it"
        <| s3 (Fault.EarlySuccess(store = true))
        |> sized 30_000_000
        |> answered 200 None
        |> doubtful
    ]

/// A refusal in the middle of a large body, and what the server does then: the refusal is what has to be told.
let private refusedInTheMiddle =
    let then' (next: Exchange -> Task) (exchange: Exchange) : Task =
        task {
            do! giveLeave exchange
            do! exchange.Read 1_000_000L
            do! exchange.Send refusal
            do! next exchange
        }

    [
        for how, next in
            [
                "a reset", reset
                "an end with unread data", close
                "a FIN, and nothing is read", finish
                "nothing: it just stops reading", hold
            ] do
            for name, expect in [ "with", expecting; "without", withoutExpect ] do
                for transport, server in [ "", raw; " within TLS", rawTls ] do
                    terminal
                        $"403 in the middle of 64 MiB{transport} {name} Expect, and then {how}"
                        (server (then' next))
                        ExportFailureKind.Refused
                        403
                        (Some "AccessDenied")
                    |> sized (64 <<< 20)
                    |> within (seconds 10.)
                    |> expect
    ]

let private droppedEarly =
    unreachable "200 before the body, which is dropped" (s3 (Fault.EarlySuccess(store = false)))
    |> sized 30_000_000
    |> answered 200 None
    |> doubtful

let private slowly (pause: TimeSpan) (texts: string list) =
    raw (fun exchange ->
        task {
            do! takeWhole exchange
            exchange.Store()

            for text in texts do
                do! exchange.Send text
                do! Task.Delay pause
        })

/// Knows no `Expect`.
let private withoutContinue =
    raw (fun exchange ->
        task {
            if exchange.Head.Contains "Expect:" then
                do! exchange.Send "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"
                exchange.Close()
            else
                do! exchange.ReadAll()
                exchange.Store()
                do! exchange.Send(ok exchange)
        })

/// What the clock passes when a limit is to strike.
let private limit = seconds 4.

/// What takes its time. These rows wait most of theirs, so they run all at once.
let private slow = [
    harmless "100 Continue that does not come"
    <| raw (fun exchange ->
        task {
            do! exchange.ReadAll()
            exchange.Store()
            do! exchange.Send(ok exchange)
        })
    |> expecting

    timedOut "silence before the body, within the request timeout" (raw hold)
    |> sized 30_000_000
    |> within limit
    |> withoutExpect
    |> says "CELLOS_EXPORT_S3_TIMEOUT_MS (in code: RequestTimeout)"
    |> dueBeforeBody

    timedOut "silence before the body, within the stall timeout" (raw hold)
    |> sized 30_000_000
    |> stallingAfter limit
    |> withoutExpect
    |> says "CELLOS_EXPORT_S3_STALL_TIMEOUT_MS (in code: StallTimeout)"
    |> dueBeforeBody

    timedOut "silence where a 100 Continue is due, and after the body, within the stall timeout" (raw hold)
    |> expecting
    // Shorter than the 3 s for which a 100 Continue is waited: the body is sent all the same.
    |> stallingAfter (seconds 1.5)
    |> says "50000 of 50000 bytes"
    |> doubtful

    harmless "100 Continue that does not come, with a stall timeout that is shorter than the wait for it"
    <| raw (fun exchange ->
        task {
            do! exchange.ReadAll()
            exchange.Store()
            do! exchange.Send(ok exchange)
        })
    |> expecting
    |> sized 2_500_000
    |> stallingAfter (seconds 1.5)

    // Expects once, and is sent again without.
    harmless "417 to Expect" withoutContinue |> expecting |> sized 2_500_000

    timedOut "silence after the body, within the request timeout" (s3 (Fault.Silence(afterBody = true)))
    |> within limit
    |> says "50000 of 50000 bytes"
    |> doubtful
    |> dueAfterBody

    timedOut "silence after the body, within the stall timeout" (s3 (Fault.Silence(afterBody = true)))
    |> stallingAfter limit
    |> says "50000 of 50000 bytes"
    |> doubtful
    |> dueAfterBody

    timedOut "silence after the body, within the deadline" (s3 (Fault.Silence(afterBody = true)))
    |> limited (fun setup -> { setup with Deadline = Some limit })
    |> fun row -> {
        row with
            IsTransient = false
            Ends = Failure(ExportFailureKind.DeadlineExceeded, None, None)
    }
    |> doubtful
    |> dueAfterBody

    timedOut "an answer that stops within its head, within the stall timeout"
    <| raw (fun exchange ->
        task {
            do! takeWhole exchange
            do! exchange.Send "HTTP/1.1 200 OK\r\nETa"
            do! exchange.Listen()
        })
    |> stallingAfter limit
    |> doubtful
    |> dueAfterBody

    terminal
        "an error that stops within its body, within the request timeout"
        (raw (fun exchange ->
            task {
                do! takeWhole exchange

                do!
                    exchange.Send
                        "HTTP/1.1 403 Forbidden\r\nContent-Length: 99\r\n\r\n<Error><Code>AccessDenied</Code>"

                do! exchange.Listen()
            }))
        ExportFailureKind.Refused
        403
        (Some "AccessDenied")
    |> within limit
    |> dueAfterBody

    for name, text in
        [
            "that does not come", "Content-Length: 99\r\n\r\n"
            "whose chunks do not end", "Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n"
        ] do
        {
            timedOut
                $"a success with a body {name}"
                (raw (fun exchange ->
                    task {
                        do! takeWhole exchange
                        exchange.Store()
                        do! exchange.Send $"HTTP/1.1 200 OK\r\nx-amz-request-id: R1\r\n{text}"
                        do! exchange.Listen()
                    })) with
                IsStored = true
                MayBeStored = true
        }
        |> answered 200 None
        |> says "did not arrive in time, so the response does not show that the object is stored"

    timedOut "an answer of 1 byte a second, within the request timeout" (s3 (Fault.SlowReply 1))
    |> within limit
    |> stored
    |> dueAfterBody

    harmless "an answer of 1 byte a second, within a stall timeout of many"
    <| slowly (seconds 1.) [ for octet in "HTTP/1.1 204\r\nETag: 1\r\n\r\n" -> string octet ]
    |> stallingAfter (seconds 5.)
    |> within (seconds 120.)

    timedOut "a server that reads 1 byte a second, within the request timeout"
    <| s3With (LoopbackS3Options(ReceiveBufferBytes = Nullable 32768)) (Fault.SlowRead 1)
    |> sized 30_000_000
    |> within limit
    |> withoutExpect
    |> dueBeforeBody

    timedOut "a server that reads 1 byte a second, within the stall timeout"
    <| s3With (LoopbackS3Options(ReceiveBufferBytes = Nullable 32768)) (Fault.SlowRead 1)
    |> sized 30_000_000
    |> stallingAfter limit
    |> withoutExpect
    |> dueBeforeBody

    harmless "a server that reads slowly, within a stall timeout of many pieces"
    <| s3With (LoopbackS3Options(ReceiveBufferBytes = Nullable 32768)) (Fault.SlowRead 4_000_000)
    |> sized 20_000_000
    |> stallingAfter (seconds 4.)
    |> within (seconds 120.)
    |> withoutExpect
]

// Running a row.

let private content = Dictionary<int, byte[]>()

let private contentOf size =
    lock content (fun () ->
        match content.TryGetValue size with
        | true, bytes -> bytes
        | _ ->
            let bytes = patterned size
            content[size] <- bytes
            bytes)

/// The requests, without those that were sent again without `Expect`.
let private answered' (account: Account) =
    account.Requests |> List.filter (fun request -> request.Status <> Some 417)

let private saw (row: Row) (attempts: int) (others: int) (account: unit -> Account) =
    task {
        let stores = others + if row.IsStored then attempts else 0
        do! waitFor "what the server stores" (fun () -> (account ()).Stores >= stores)
        let account = account ()
        Expect.hasLength (answered' account) (others + if row.IsSeen then attempts else 0) "requests"
        Expect.equal account.Stores stores "how often it was stored"
    }

/// For the client to note what it has sent or read, after the server has seen that.
let private grace = TimeSpan.FromMilliseconds 500.

/// Pushes, and has the clock pass the limit in each attempt in which it is to strike.
let private pushThrough (row: Row) (times: int) (strikes: int) =
    task {
        let clock = FakeTime DateTimeOffset.UtcNow

        let time: TimeProvider = if row.IsDue.IsSome then clock else TimeProvider.System

        let! lab = labOn time row.Setup row.Server times
        let push = lab.Push(contentOf row.Size)

        match row.IsDue with
        | None -> ()
        | Some isDue ->
            for attempt in 1..strikes do
                do!
                    waitFor "what the limit is to strike" (fun () ->
                        push.IsCompleted
                        || lab.Account.Requests |> List.tryItem (attempt - 1) |> Option.exists isDue)

                do! Task.Delay grace

                while not push.IsCompleted && lab.Failed < attempt do
                    clock.Advance limit
                    do! Task.Delay 5

        let! outcome, account = push
        return lab, outcome, account
    }

/// Refusals without a request id of a store: a proxy or a portal may send them after the store has the object.
let private ofNoStore =
    set [
        "expiry in Azure's words"
        "expiry in Swift's words"
        "expiry in Oracle's words"
        "403 with an error that breaks off after its code"
        "403 with an error that breaks off before its code"
        "403 with an error that is not there"
        "403 with chunks"
        "403 with a bad chunk at once"
        "403 with no body"
        "403 with HTML"
        "403 with gzip that was not asked for"
        "301 without a document, that tells the region"
        "307 without a place"
        "an error that stops within its body, within the request timeout"
    ]

let private strikes (row: Row) =
    task {
        let attempts = if row.IsTransient then row.Setup.Attempts else 1
        let! lab, outcome, account = pushThrough row forever attempts
        use _ = lab

        match row.Ends with
        | Receipt -> Expect.equal (Expect.wantOk outcome "a receipt").Attempts attempts "attempts"
        | Failure(kind, status, code) ->
            let failure = Expect.wantError outcome "no receipt"
            Expect.equal failure.Kind kind $"kind of: {failure.Message}"

            Expect.equal
                (failure.StatusCode |> Option.ofNullable |> Option.map int)
                status
                $"status of: {failure.Message}"

            Expect.equal (Option.ofObj failure.ErrorCode) code "code"
            let mayBeStored = row.MayBeStored || Set.contains row.Name ofNoStore
            Expect.equal failure.MayBeStored mayBeStored $"whether it may be stored: {failure.Message}"
            Expect.equal failure.Attempts attempts "attempts"
            Expect.stringContains failure.Message row.Says "what it says"

        do! saw row attempts 0 account
    }

let private heals (row: Row) =
    task {
        let content = contentOf row.Size
        let! lab, outcome, account = pushThrough row 1 1
        use _ = lab
        Expect.equal (Expect.wantOk outcome "a receipt").Attempts 2 "two attempts"
        do! saw row 1 1 account
        Expect.equal (account ()).Held (Some(sha256 content)) "the source is what is there"
    }

let private runs (row: Row) = [
    row.Name, fun () -> strikes row

    if row.IsTransient && row.Setup.Attempts > 1 then
        $"{row.Name}; healed by the second attempt", fun () -> heals row
]

let private together (rows: Row list) =
    let all = rows |> List.collect runs

    let started =
        lazy (dict [ for name, run in all -> name, Task.Run<unit>(Func<Task<unit>>(run)) ])

    [ for name, _ in all -> testCaseTask name (fun () -> started.Value[name]) ]

let private apart (rows: Row list) = [
    for row in rows do
        for name, run in runs row -> testCaseTask name run
]

[<Tests>]
let tests =
    testList "the fault lab" [
        testList "connection" (apart connections)
        testList "reply" (apart replies)
        testList "slow" (together slow)
        testList "redirect" (apart elsewhere)
        testList "before the body ends" (apart interim)

        testList "an answer that comes while the body is sent"
        <| apart [
            yield! refusedInTheMiddle
            yield! answeredEarly "without" withoutExpect
            droppedEarly
        ]
    ]
