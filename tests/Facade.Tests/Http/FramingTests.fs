/// Responses whose body ends in another place than their headers say, and fields behind a body.
module Facade.Tests.FramingTests

open System
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support

let private length = 1000

/// Sends a file to a server that gives this response to the whole of it.
let private pushTo (response: string) =
    task {
        use server =
            new RawServer(fun _ connection ->
                task {
                    let! _ = connection.ReadHead()
                    do! connection.Read(int64 length)
                    do! connection.Send response
                    connection.Finish()
                    do! connection.Read Int64.MaxValue
                })

        use folder = new Folder()
        let path = folder.Write("a", patterned length)

        use sink =
            new PresignedS3ExportSink(
                PresignedS3ExportSinkOptions(
                    PresignedUrl = server.Url "/evidence/a",
                    CellId = cellId,
                    Bucket = bucket,
                    MaxAttempts = 1,
                    RequestTimeout = TimeSpan.FromSeconds 15.
                )
            )

        return! failureOf (fun () -> sink.PushAsync("a", path))
    }

let private error = "<Error><Code>InternalError</Code></Error>"

let private withHeaders (lines: string list) (body: string) =
    let head =
        "HTTP/1.1 200 OK" :: "x-amz-request-id: R1" :: lines |> String.concat "\r\n"

    $"{head}\r\n\r\n{body}"

[<Tests>]
let tests =
    testList "the framing of a response" [
        for name, lines in
            [
                "two lengths", [ "Content-Length: 0"; $"Content-Length: {error.Length}" ]
                "a coding that is not known", [ "Transfer-Encoding: xchunked"; "Content-Length: 0" ]
                "a coding that was not asked for", [ "Transfer-Encoding: identity"; "Content-Length: 0" ]
            ] do
            testCaseTask $"{name} counts as broken off" (fun () ->
                task {
                    let! failure = pushTo (withHeaders lines error)
                    Expect.equal failure.Kind ExportFailureKind.Unreachable failure.Message
                    Expect.isTrue failure.MayBeStored "there was a success"
                })

        testCaseTask "a length behind a 204 counts as broken off" (fun () ->
            task {
                let response =
                    $"HTTP/1.1 204 No Content\r\nx-amz-request-id: R1\r\nContent-Length: {error.Length}\r\n\r\n{error}"

                let! failure = pushTo response
                Expect.equal failure.Kind ExportFailureKind.Unreachable failure.Message
            })

        for name, head in
            [
                "a body of no bytes", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                "a 204", "HTTP/1.1 204 No Content\r\n"
            ] do
            testCaseTask $"{name} that a document follows counts as broken off" (fun () ->
                task {
                    let! failure = pushTo $"{head}x-amz-request-id: R1\r\n\r\n{error}"
                    Expect.equal failure.Kind ExportFailureKind.Unreachable failure.Message
                    Expect.isTrue failure.MayBeStored "there was a success"
                })

        testCaseTask "an error and a checksum behind the body are read" (fun () ->
            task {
                let chunked (field: string) =
                    withHeaders [ "Transfer-Encoding: chunked" ] $"0\r\n{field}\r\n\r\n"

                let! failure = pushTo (chunked "x-amz-error-code: InternalError")
                Expect.equal failure.Kind ExportFailureKind.Unconfirmed failure.Message

                let other = Convert.ToBase64String(Array.zeroCreate 32)
                let! failure = pushTo (chunked $"x-amz-checksum-sha256: {other}")
                Expect.equal failure.Kind ExportFailureKind.IntegrityMismatch failure.Message
            })
    ]
