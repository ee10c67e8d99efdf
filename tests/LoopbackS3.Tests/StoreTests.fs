/// What happens to uploads that are let through.
module StoreTests

open System
open System.Collections.Generic
open System.Security.Cryptography
open System.Threading.Tasks
open Expecto
open LoopbackS3
open Client

let private md5 (data: byte[]) =
    Convert.ToBase64String(MD5.HashData data)

let private sha256 (data: byte[]) =
    Convert.ToBase64String(SHA256.HashData data)

let private stored (server: LoopbackS3Server) key =
    server.Objects[struct ("evidence", key)]

[<Tests>]
let tests =
    testList "uploads" [
        for length in [ 0; 1; 65536; 3_000_001 ] do
            testCaseTask $"{length} bytes come back as they went" (fun () ->
                task {
                    use! server = start ()
                    let data = patterned length
                    let! reply = put server "evidence" "k" data [ "Content-Type", "text/plain" ]
                    let etag = "\"" + hex (MD5.HashData data) + "\""
                    Expect.equal (reply.Status, reply.Header "ETag") (200, etag) "PUT"
                    let object = stored server "k"
                    Expect.equal object.Length (int64 length) "length"
                    Expect.equal object.Sha256 (hex (SHA256.HashData data)) "SHA-256"
                    Expect.equal object.Headers["content-type"] "text/plain" "headers, by any case"

                    let! got = send (request "GET" (server.Presign("GET", "evidence", "k")) None [])
                    Expect.isTrue (got.Body.AsSpan().SequenceEqual data) "GET"
                    Expect.equal (got.Header "Content-Type") "text/plain" "content type"
                    let! head = send (request "HEAD" (server.Presign("HEAD", "evidence", "k")) None [])
                    Expect.equal (head.Header "Content-Length") (string length) "HEAD"
                    Expect.equal (head.Header "ETag") etag "ETag of HEAD"
                })

        testCaseTask "a second upload replaces the first and is counted" (fun () ->
            task {
                use! server = start ()
                let! _ = put server "evidence" "k" (bytes "one") []
                let! _ = put server "evidence" "k" (bytes "two") []
                Expect.equal (stored server "k").PutCount 2 "count"
                Expect.equal (stored server "k").Bytes (bytes "two") "bytes"
                Expect.isTrue (isNull (stored server "k").VersionId) "no version"
            })

        testCaseTask "a versioned bucket gives each upload an id" (fun () ->
            task {
                use! server = start ()
                let! one = put server "versioned" "k" (bytes "one") []
                let! two = put server "versioned" "k" (bytes "two") []
                Expect.notEqual (one.Header "x-amz-version-id") (two.Header "x-amz-version-id") "ids"

                Expect.equal
                    (two.Header "x-amz-version-id")
                    (string server.Objects[struct ("versioned", "k")].VersionId)
                    "the stored one"
            })

        testCaseTask "only digests are kept on demand, and above the limit" (fun () ->
            task {
                for options in
                    [
                        LoopbackS3Options(Retention = Retention.DigestsOnly)
                        LoopbackS3Options(MaxKeptBytes = 4)
                    ] do
                    use! server = LoopbackS3Server.StartAsync options
                    let! _ = put server "evidence" "k" (bytes "12345") []
                    Expect.isTrue (isNull (stored server "k").Bytes) "no bytes"
                    Expect.equal (stored server "k").Md5 (hex (MD5.HashData(bytes "12345"))) "digest"
                    let! got = send (request "GET" (server.Presign("GET", "evidence", "k")) None [])
                    Expect.equal (got.Status, got.Code) (501, "NotImplemented") "GET"
            })

        testCaseTask "a Content-MD5 that fits is accepted, also by a bucket that requires one" (fun () ->
            task {
                use! server = start ()
                let! reply = put server "locked" "k" (bytes "x") [ "Content-MD5", md5 (bytes "x") ]
                Expect.equal reply.Status 200 reply.Text
            })

        testCaseTask "a Content-MD5 of something else is BadDigest and stores nothing" (fun () ->
            task {
                use! server = start ()
                let! reply = put server "evidence" "k" (bytes "x") [ "Content-MD5", md5 (bytes "y") ]
                Expect.equal (reply.Status, reply.Code) (400, "BadDigest") reply.Text
                Expect.equal (reply.Element "ExpectedDigest") (md5 (bytes "y")) "expected"
                Expect.equal (reply.Element "CalculatedDigest") (md5 (bytes "x")) "calculated"
                Expect.isEmpty server.Objects "nothing stored"
            })

        testCaseTask "x-amz-checksum-sha256 is verified and confirmed" (fun () ->
            task {
                use! server = start ()

                for checksum, status, code in
                    [
                        sha256 (bytes "x"), 200, ""
                        sha256 (bytes "y"), 400, "BadDigest"
                        "rubbish", 400, "InvalidRequest"
                    ] do
                    let headers = [ "x-amz-checksum-sha256", checksum ]

                    let url = server.Presign("PUT", "locked", "k", headers = Dictionary(dict headers))

                    let! reply = send (request "PUT" url (Some(bytes "x")) headers)
                    Expect.equal reply.Status status reply.Text

                    if code = "" then
                        Expect.equal (reply.Header "x-amz-checksum-sha256") checksum "confirmed"
                    else
                        Expect.equal reply.Code code "code"
            })

        testCaseTask "If-None-Match refuses what is there already, before the body" (fun () ->
            task {
                use! server = start ()

                let once () =
                    put server "evidence" "k" (bytes "x") [ "If-None-Match", "*" ]

                let! first = once ()
                let! second = once ()
                Expect.equal (first.Status, second.Status) (200, 412) "statuses"

                Expect.equal
                    (second.Code, second.Element "Condition")
                    ("PreconditionFailed", "If-None-Match")
                    "error"

                Expect.equal server.Requests[1].BodyBytes 0L "no byte read"
            })

        testCaseTask "of 16 uploads at once with If-None-Match exactly one wins" (fun () ->
            task {
                use! server = start ()

                let! replies =
                    [
                        for i in 1..16 ->
                            put server "evidence" "k" (patterned (50_000 + i)) [ "If-None-Match", "*" ]
                    ]
                    |> Task.WhenAll

                let statuses = replies |> Array.countBy _.Status |> Map.ofArray
                Expect.equal statuses (Map [ 200, 1; 412, 15 ]) "statuses"
                let winner = replies |> Array.find (fun reply -> reply.Status = 200)
                Expect.equal (stored server "k").ETag (winner.Header "ETag") "the winner's bytes"
                Expect.equal (stored server "k").PutCount 1 "stored once"
            })

        testCaseTask "a body that waits for 100 Continue is asked for" (fun () ->
            task {
                use! server = start ()
                use wire = new Wire(server)
                let url = server.Presign("PUT", "evidence", "k")
                wire.Head("PUT", url, [ "Content-Length: 5"; "Expect: 100-continue" ])
                Expect.equal (wire.Receive()) "HTTP/1.1 100 Continue\r\n\r\n" "100"
                wire.Send(bytes "12345")
                Expect.stringStarts (wire.Receive()) "HTTP/1.1 200 OK\r\n" "200"
                Expect.equal (stored server "k").Bytes (bytes "12345") "bytes"
            })

        testCaseTask "a body that ends early stores nothing" (fun () ->
            task {
                use! server = start ()
                let wire = new Wire(server)
                wire.Head("PUT", server.Presign("PUT", "evidence", "k"), [ "Content-Length: 10" ])
                wire.Send(bytes "12345")

                let! came =
                    eventually (fun () -> server.Requests |> Seq.exists (fun r -> r.BodyBytes = 5L))

                Expect.isTrue came "five bytes came"
                (wire :> IDisposable).Dispose()
                do! server.DisposeAsync()
                Expect.isFalse server.Requests[0].Status.HasValue "no reply"
                Expect.isEmpty server.Objects "nothing stored"
            })

        testCaseTask "requests are recorded as they came, also the refused ones" (fun () ->
            task {
                use! server = start ()
                let url = server.Presign("PUT", "evidence", "a/./%/k")
                let! _ = send (request "PUT" (url.Replace("3600", "3601")) (Some(bytes "12345")) [])
                let! _ = send (request "PUT" url (Some(bytes "12345")) [ "User-Agent", "tests" ])
                let one, two = server.Requests[0], server.Requests[1]
                Expect.equal (one.Attempt, two.Attempt) (1, 2) "attempts"
                Expect.equal (one.Status.Value, two.Status.Value) (403, 200) "statuses"
                let target = url.Substring(string server.Endpoint |> String.length |> (+) -1)
                Expect.equal (two.Method, two.Target) ("PUT", target) "request line"
                Expect.equal (two.Bucket, two.Key) ("evidence", "a/./%/k") "name"
                Expect.equal two.Headers["user-agent"] "tests" "headers"
                Expect.equal two.BodyBytes 5L "body"
                Expect.isFalse two.ExpectContinue "no Expect"
            })

        testCaseTask "a connection serves one upload after the other" (fun () ->
            task {
                use! server = start ()

                for i in 1..3 do
                    let! reply = put server "evidence" $"k{i}" (patterned 200_000) []
                    Expect.equal reply.Status 200 reply.Text

                let connections = server.Requests |> Seq.distinctBy _.ConnectionId
                Expect.hasLength connections 1 "connections"
            })

        testCaseTask "a request through a proxy, in absolute form, is the same request" (fun () ->
            task {
                use! server = start ()
                use wire = new Wire(server)
                let url = server.Presign("PUT", "evidence", "k")

                wire.Send(
                    bytes
                        $"PUT {url} HTTP/1.1\r\nHost: {server.Endpoint.Authority}\r\nContent-Length: 1\r\n\r\nx"
                )

                Expect.stringStarts (wire.Receive()) "HTTP/1.1 200 OK\r\n" "200"
            })

        testCaseTask "servers stand side by side" (fun () ->
            task {
                use! one = start ()
                use! two = start ()
                let! _ = put one "evidence" "k" (bytes "x") []
                Expect.equal (one.Objects.Count, two.Objects.Count) (1, 0) "objects"
            })
    ]
