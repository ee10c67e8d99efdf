module Facade.Tests.WireTests

open System
open System.Net.Http
open System.Threading.Tasks
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support

let private answer =
    "HTTP/1.1 200 OK\r\nx-amz-request-id: R1\r\nContent-Length: 0\r\n\r\n"

/// The head of the request that a push through this path and query sends.
let private headOf (pathAndQuery: string) (content: byte[]) =
    task {
        let head = TaskCompletionSource<string>()

        use server =
            new RawServer(fun _ connection ->
                task {
                    let! text = connection.ReadHead()
                    head.SetResult text
                    do! connection.Read content.LongLength
                    do! connection.Send answer
                })

        use folder = new Folder()
        let path = folder.Write("f", content)
        use sink = rewritingSinkFor (server.Url pathAndQuery)
        let! _ = sink.PushAsync("a", path)
        return! head.Task
    }

let private targets = [
    "/bucket/plain"
    "/bucket/%7Euser/~user"
    "/bucket/a%2Fb"
    "/bucket/a+b%2Bc"
    "/bucket//double///slash//"
    "/bucket/%2E%2E/%2e%2e/../x/./y"
    "/bucket/lower%c3%bc/UPPER%C3%BC"
    "/bucket/x?X-Amz-Signature=ab%2Fcd%3d&list=a+b&empty=&flag&X-Amz-Date=20260501T000000Z"
    "/bucket/x?"
    "/bucket/x?a=/../b&c=//&d=%2E%2E"
    "/bucket/!$&'()*,;=:@-._~"
    "/bucket/x?q=!$'()*,;:@/?-._~"
    "/"
    "//"
    "/bucket/%00%0d%0a%25"
]

[<Tests>]
let tests =
    testList "on the wire" [
        testList "the request line holds exactly the configured octets" [
            for target in targets ->
                testCaseTask target (fun () ->
                    task {
                        let! head = headOf target [| 1uy |]
                        Expect.stringStarts head $"PUT {target} HTTP/1.1\r\n" "octet for octet"
                    })
        ]

        testCaseTask "a URL without a path asks for the root" (fun () ->
            task {
                let! head = headOf "?a=b" [| 1uy |]
                Expect.stringStarts head "PUT /?a=b HTTP/1.1\r\n" "RFC 9112, 3.2.1"
            })

        testCaseTask "the head is as small as it can be" (fun () ->
            task {
                let! head = headOf "/bucket/x" (patterned 100)
                let lines = head.TrimEnd().Split("\r\n") |> Array.skip 1 |> Array.sort
                Expect.hasLength lines 2 "two headers"
                Expect.equal lines[0] "Content-Length: 100" "the length"
                Expect.stringStarts lines[1] "Host: 127.0.0.1:" "the host"
            })

        testCaseTask "an empty file has a length of 0 and no body" (fun () ->
            task {
                let! head = headOf "/bucket/x" [||]
                Expect.stringContains head "\r\nContent-Length: 0\r\n" "the length"
            })

        testCaseTask "a large body waits for 100 Continue" (fun () ->
            task {
                let content = patterned 2_000_000
                let early = TaskCompletionSource<int>()

                use server =
                    new RawServer(fun _ connection ->
                        task {
                            let! head = connection.ReadHead()
                            // Long enough for a body that does not wait, short of the time it is waited for.
                            do! Task.Delay 300
                            early.SetResult connection.Waiting
                            Expect.stringContains head "\r\nExpect: 100-continue\r\n" "asked for"
                            do! connection.Send "HTTP/1.1 100 Continue\r\n\r\n"
                            do! connection.Read content.LongLength
                            do! connection.Send answer
                        })

                use folder = new Folder()
                let path = folder.Write("f", content)
                use sink = sinkFor (server.Url "/bucket/x")
                let! receipt = sink.PushAsync("a", path)
                Expect.equal receipt.BytesWritten content.LongLength "all of it"
                let! waiting = early.Task
                Expect.equal waiting 0 "no byte of the body came before it was asked for"
            })

        testCaseTask "the Expect header can be turned off" (fun () ->
            task {
                use! scene = scene "a" (patterned 2_000_000)

                use sink =
                    new PresignedS3ExportSink(
                        PresignedS3ExportSinkOptions(
                            PresignedUrl = scene.Url,
                            CellId = cellId,
                            Bucket = bucket,
                            ExpectContinueMinBytes = Nullable()
                        )
                    )

                let! receipt = sink.PushAsync("a", scene.Path)
                receipt |> isTrueOf scene
                Expect.isFalse (List.exactlyOne scene.Puts).ExpectContinue "not sent"
            })

        testCaseTask "a file that shrinks never makes the request whole" (fun () ->
            task {
                let length = 3_000_000
                let received = TaskCompletionSource<int64>()
                use folder = new Folder()
                let path = folder.Write("f", patterned length)

                use server =
                    new RawServer(fun _ connection ->
                        task {
                            let! _ = connection.ReadHead()

                            do
                                use file = IO.File.OpenWrite path
                                file.SetLength 1_000_000L

                            do! connection.Send "HTTP/1.1 100 Continue\r\n\r\n"
                            let mutable count = 0L
                            let mutable go = true

                            while go do
                                try
                                    do! connection.ReadSome(fun read -> count <- count + int64 read)
                                with _ ->
                                    go <- false

                                go <- go && count < int64 length && connection.IsOpen

                            received.SetResult count
                        })

                use sink = sinkFor (server.Url "/bucket/x")
                let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                Expect.equal failure.Kind CellOS.Export.ExportFailureKind.SourceChanged "kind"
                Expect.equal failure.Attempts 1 "not tried again"
                let! count = received.Task
                Expect.isLessThan count (int64 length) "the server never had the whole body"
            })
    ]
