/// Each fault, as a client gets to feel it.
module FaultTests

open System
open System.Collections.Generic
open System.Diagnostics
open System.Net.Http
open System.Net.Sockets
open System.Security.Cryptography
open System.Text
open System.Threading
open System.Threading.Tasks
open System.Xml
open Expecto
open LoopbackS3
open Client

let private key = "k"
let private data = patterned 100_000

let private etag (content: byte[]) =
    "\"" + hex (MD5.HashData content) + "\""

/// A server on which the first upload meets the fault.
let private with' (fault: Fault) =
    task {
        let! server = start ()
        server.Misbehave("evidence", key, fault)
        return server
    }

let private upload server = put server "evidence" key data []

/// The upload over a bare socket: what came back, and how the connection ended.
let private onTheWire (server: LoopbackS3Server) =
    Task.Run(fun () ->
        use wire = new Wire(server)
        wire.Head("PUT", server.Presign("PUT", "evidence", key), [ $"Content-Length: {data.Length}" ])
        wire.Send data
        wire.Rest())

let private cut (name: string) fault ending received isStored =
    testCaseTask name (fun () ->
        task {
            use! server = with' fault
            let! result = onTheWire server
            Expect.equal result ("", ending) "nothing but the end"
            let seen = Seq.exactlyOne server.Requests
            Expect.equal (seen.Status.HasValue, seen.BodyBytes) (false, received) "log"
            Expect.equal server.Objects.Count (if isStored then 1 else 0) "stored"
            let! again = upload server
            Expect.equal again.Status 200 "the next attempt is let through"
        })

let private whole = int64 data.Length

let private connections =
    testList "connections" [
        cut "a reset before the body" Fault.ResetBeforeBody Rst 0L false
        cut "a reset within the body" (Fault.ResetWithinBody 70_000L) Rst 70_000L false
        cut "a reset at the end of a body that is shorter" (Fault.ResetWithinBody 1_000_000L) Rst whole false
        cut "a reset after the body" (Fault.ResetAfterBody(store = false)) Rst whole false
        cut "a reset after storing" (Fault.ResetAfterBody(store = true)) Rst whole true
        cut "a close after the body" (Fault.CloseAfterBody(store = false)) Fin whole false
        cut "a close after storing" (Fault.CloseAfterBody(store = true)) Fin whole true

        testCaseTask "HttpClient sees a reset as an error" (fun () ->
            task {
                use! server = with' (Fault.ResetWithinBody 10L)
                let! e = failure (fun () -> upload server)
                Expect.isTrue (e :? HttpRequestException) "exception"
            })

        testCaseTask "a reset before the body sends no 100 Continue" (fun () ->
            task {
                use! server = with' Fault.ResetBeforeBody
                use wire = new Wire(server)
                let url = server.Presign("PUT", "evidence", key)
                wire.Head("PUT", url, [ "Content-Length: 5"; "Expect: 100-continue" ])
                Expect.equal (wire.Rest()) ("", Rst) "nothing but the end"
            })

        for afterBody in [ false; true ] do
            testCaseTask $"silence lasts until the client goes away, after the body: {afterBody}" (fun () ->
                task {
                    use! server = with' (Fault.Silence afterBody)
                    use cancel = new CancellationTokenSource()
                    let message = request "PUT" (server.Presign("PUT", "evidence", key)) (Some data) []
                    let reply = http.SendAsync(message, cancel.Token)
                    let read = if afterBody then whole else 0L

                    let! came =
                        eventually (fun () ->
                            server.Requests |> Seq.exists (fun seen -> seen.BodyBytes = read))

                    Expect.isTrue came "the request came"
                    let! first = Task.WhenAny(reply, Task.Delay 100)
                    Expect.isFalse (obj.ReferenceEquals(first, reply)) "no reply"
                    cancel.Cancel()
                    Expect.isEmpty server.Objects "nothing stored"
                })

        testCaseTask "dispose ends silent connections" (fun () ->
            task {
                let! server = start ()
                server.MisbehaveAlways("evidence", key, Fault.Silence())
                let waiting = [ for _ in 1..4 -> failure (fun () -> upload server) ]
                let! came = eventually (fun () -> server.Requests.Count = 4)
                Expect.isTrue came "the requests came"
                do! server.DisposeAsync()
                let! errors = Task.WhenAll waiting
                Expect.all errors (fun e -> e :? HttpRequestException) "all cut off"
            })

        testCaseTask "a slow reader takes its time, then replies" (fun () ->
            task {
                use! server = with' (Fault.SlowRead 1_000_000)
                let watch = Stopwatch.StartNew()
                let! reply = upload server
                Expect.equal reply.Status 200 reply.Text
                Expect.isGreaterThan watch.ElapsedMilliseconds 90L "100 kB at 1 MB/s"
            })

        testCaseTask "a small receive buffer lets the client feel a slow reader" (fun () ->
            task {
                use! server =
                    LoopbackS3Server.StartAsync(
                        LoopbackS3Options(ReceiveBufferBytes = 32768, TimeProvider = clock)
                    )

                server.Misbehave("evidence", key, Fault.SlowRead 1)
                let body = Array.zeroCreate<byte> 20_000_000
                use wire = new Wire(server)

                wire.Head(
                    "PUT",
                    server.Presign("PUT", "evidence", key),
                    [ $"Content-Length: {body.Length}" ]
                )

                let sent = Task.Run(fun () -> wire.Send body)
                let! first = Task.WhenAny(sent, Task.Delay 300)
                Expect.isFalse (obj.ReferenceEquals(first, sent)) "the client is held up"
                do! server.DisposeAsync()

                try
                    do! sent
                with :? SocketException ->
                    ()
            })

        testCaseTask "a slow reply comes in pieces and is whole" (fun () ->
            task {
                use! server = with' (Fault.SlowReply 2_000)
                use wire = new Wire(server)
                wire.Head("PUT", server.Presign("PUT", "evidence", key), [ "Content-Length: 1" ])
                wire.Send(bytes "x")
                let first = wire.Receive()
                Expect.isFalse (first.Contains "\r\n\r\n") "no whole head at first"
                let rest, ending = wire.Rest()
                Expect.stringStarts (first + rest) "HTTP/1.1 200 OK\r\n" "status line"
                Expect.stringContains rest (etag (bytes "x")) "ETag"
                Expect.equal ending Fin "closed"
                Expect.equal server.Objects.Count 1 "stored"
            })

        testCaseTask "raw bytes go out as they are" (fun () ->
            task {
                use! server = with' (Fault.RawReply(bytes "HTTP/1.1 20"))
                let! result = onTheWire server
                Expect.equal result ("HTTP/1.1 20", Fin) "half a status line"
                Expect.isEmpty server.Objects "nothing stored"
            })
    ]

let private replies =
    testList "replies" [
        testCaseTask "a status with code, message, Retry-After and headers" (fun () ->
            task {
                use! server =
                    with' (
                        Fault.Status(
                            503,
                            "SlowDown",
                            "Please reduce your request rate.",
                            retryAfter = "7",
                            headers = Dictionary(dict [ "x-amz-retry-after", "10" ])
                        )
                    )

                let! reply = upload server
                Expect.equal (reply.Status, reply.Code) (503, "SlowDown") reply.Text
                Expect.equal (reply.Element "Message") "Please reduce your request rate." "message"

                Expect.equal
                    (reply.Header "Retry-After", reply.Header "x-amz-retry-after")
                    ("7", "10")
                    "headers"

                Expect.equal server.Requests[0].BodyBytes whole "the body was read first"
                Expect.isEmpty server.Objects "nothing stored"
            })

        testCaseTask "a status without a code has no body" (fun () ->
            task {
                for status in [ 204; 304; 502 ] do
                    use! server = with' (Fault.Status status)
                    let! reply = upload server
                    Expect.equal (reply.Status, reply.Text) (status, "") "reply"
            })

        testCaseTask "a status before the body spares it" (fun () ->
            task {
                use! server = with' (Fault.Status(503, "SlowDown", beforeBody = true))
                let message = request "PUT" (server.Presign("PUT", "evidence", key)) (Some data) []
                message.Headers.ExpectContinue <- true
                let! reply = send message
                Expect.equal (reply.Status, server.Requests[0].BodyBytes) (503, 0L) "nothing read"
            })

        testCaseTask "a redirect says where to" (fun () ->
            task {
                use! server =
                    with' (
                        Fault.Redirect(
                            307,
                            Uri "http://elsewhere.example/evidence/k",
                            "eu-west-1",
                            "elsewhere.example"
                        )
                    )

                let! reply = upload server
                Expect.equal (reply.Status, reply.Code) (307, "TemporaryRedirect") reply.Text
                Expect.equal (reply.Header "Location") "http://elsewhere.example/evidence/k" "Location"
                Expect.equal (reply.Header "x-amz-bucket-region") "eu-west-1" "region"
                Expect.equal (reply.Element "Endpoint") "elsewhere.example" "Endpoint"
            })

        testCaseTask "a wrong ETag over the right bytes" (fun () ->
            task {
                use! server = with' Fault.WrongETag
                let! reply = upload server
                Expect.isMatch (reply.Header "ETag") "^\"[0-9a-f]{32}\"$" "looks like an MD5"
                Expect.notEqual (reply.Header "ETag") (etag data) "but is not"
                Expect.equal server.Objects[struct ("evidence", key)].ETag (etag data) "stored right"
            })

        testCaseTask "the ETag of an SSE-KMS bucket" (fun () ->
            task {
                use! server = with' Fault.KmsETag
                let! reply = upload server
                Expect.notEqual (reply.Header "ETag") (etag data) "no MD5"
                Expect.equal (reply.Header "x-amz-server-side-encryption") "aws:kms" "and says why"
            })

        testCaseTask "corruption changes one byte, and the ETag tells so" (fun () ->
            task {
                use! server = with' Fault.Corrupt
                // Content-MD5 fits what was sent: the damage is done after that check.
                let! reply =
                    put server "evidence" key data [
                        "Content-MD5", Convert.ToBase64String(MD5.HashData data)
                    ]

                let stored = server.Objects[struct ("evidence", key)].Bytes |> nonNull
                Expect.equal (Seq.map2 (<>) stored data |> Seq.filter id |> Seq.length) 1 "bytes that differ"
                Expect.equal (reply.Header "ETag") (etag stored) "ETag of what is stored"
            })

        testCaseTask "a huge error body has its length" (fun () ->
            task {
                use! server = with' (Fault.HugeErrorBody(500, 1_000_000L))
                let! reply = upload server
                Expect.equal (reply.Status, reply.Code) (500, "InternalError") "error"
                Expect.hasLength (reply.Element "Message") 1_000_000 "message"
            })

        testCaseTask "an endless error body goes on until the client leaves" (fun () ->
            task {
                use! server = with' (Fault.EndlessErrorBody 503)
                let message = request "PUT" (server.Presign("PUT", "evidence", key)) (Some data) []
                use! response = http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead)
                Expect.equal (int response.StatusCode) 503 "status"
                use! stream = response.Content.ReadAsStreamAsync()
                do! stream.ReadExactlyAsync(Array.zeroCreate<byte> 5_000_000)
            })

        for kind, reads in
            [
                BrokenBody.Html, (fun (text: string) -> text.Contains "<h1>Bad Gateway</h1>")
                BrokenBody.TruncatedXml,
                (fun text -> text.StartsWith "<?xml" && not (text.Contains "</Error>"))
                BrokenBody.Binary, (fun text -> text.Contains '\uFFFD')
                BrokenBody.DoctypeBomb, (fun text -> text.StartsWith "<!DOCTYPE" && text.Contains "&e9;")
            ] do
            testCaseTask $"a broken error body: {kind}" (fun () ->
                task {
                    use! server = with' (Fault.BrokenErrorBody(502, kind))
                    let! reply = upload server
                    Expect.equal reply.Status 502 "status"
                    Expect.isTrue (reads reply.Text) reply.Text
                    Expect.throwsT<XmlException> (fun () -> reply.Xml |> ignore) "no error reader's XML"
                })

        testCaseTask "an early success comes before the body, which is then read and stored" (fun () ->
            task {
                use! server = with' (Fault.EarlySuccess(store = true))
                use wire = new Wire(server)
                wire.Head("PUT", server.Presign("PUT", "evidence", key), [ "Content-Length: 5" ])
                Expect.stringStarts (wire.Receive()) "HTTP/1.1 200 OK\r\n" "200 already"
                Expect.isEmpty server.Objects "nothing stored yet"
                wire.Send(bytes "12345")
                let! stored = eventually (fun () -> server.Objects.Count = 1)
                Expect.isTrue stored "stored in the end"
            })

        testCaseTask "an early success may be a lie" (fun () ->
            task {
                use! server = with' (Fault.EarlySuccess(store = false))
                use wire = new Wire(server)
                wire.Head("PUT", server.Presign("PUT", "evidence", key), [ "Content-Length: 5" ])
                let text, ending = wire.Rest()
                Expect.stringStarts text "HTTP/1.1 200 OK\r\n" "200"
                Expect.equal ending Fin "and the connection ends"
                Expect.isEmpty server.Objects "nothing stored"
            })
    ]

let private scripts =
    testList "scripts" [
        testCaseTask "each attempt meets its own fault, then all is normal" (fun () ->
            task {
                use! server = start ()
                server.Misbehave("evidence", key, Fault.Status 500, Fault.None, Fault.Status 503)
                let statuses = List()

                for _ in 1..5 do
                    let! reply = upload server
                    statuses.Add reply.Status

                Expect.sequenceEqual statuses [ 500; 200; 503; 200; 200 ] "statuses"
                Expect.sequenceEqual (server.Requests |> Seq.map _.Attempt) [ 1..5 ] "attempts"
            })

        testCaseTask "a fault for always holds beyond the script, for its key only" (fun () ->
            task {
                use! server = start ()
                server.Misbehave("evidence", key, Fault.None)
                server.MisbehaveAlways("evidence", key, Fault.Status 503)
                let! one = upload server
                let! two = upload server
                let! three = upload server
                Expect.equal [ one.Status; two.Status; three.Status ] [ 200; 503; 503 ] "statuses"
                let! other = put server "evidence" "other" data []
                Expect.equal other.Status 200 "another key"
            })

        testCaseTask "a function may decide, and null lets through" (fun () ->
            task {
                use! server = start ()

                server.OnAttempt <-
                    fun attempt ->
                        if attempt.Attempt < 3 then
                            Fault.Status(500 + attempt.Attempt)
                        else
                            Unchecked.defaultof<Fault>

                let! one = upload server
                let! two = upload server
                let! three = upload server
                Expect.equal [ one.Status; two.Status; three.Status ] [ 501; 502; 200 ] "statuses"
            })

        testCaseTask "a refused attempt uses up its fault" (fun () ->
            task {
                use! server = with' (Fault.Status 500)
                let expired = server.Presign("PUT", "evidence", key, signedAt = now.AddDays -1.)
                let! refused = send (request "PUT" expired (Some data) [])
                let! next = upload server
                Expect.equal (refused.Status, next.Status) (403, 200) "statuses"
            })
    ]

[<Tests>]
let tests = testList "faults" [ connections; replies; scripts ]
