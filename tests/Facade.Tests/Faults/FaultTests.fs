module Facade.Tests.FaultTests

open System
open System.Collections.Generic
open System.IO
open System.Net
open System.Net.Http
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open LoopbackS3

let private once (url: string) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        MaxAttempts = 1,
        ConnectTimeout = TimeSpan.FromMilliseconds 400.,
        RequestTimeout = TimeSpan.FromSeconds 20.
    )

let private push (options: PresignedS3ExportSinkOptions) (content: byte[]) =
    task {
        use folder = new Folder()
        let path = folder.Write("f", content)
        use sink = new PresignedS3ExportSink(options)
        return! failureOf (fun () -> sink.PushAsync("a", path))
    }

/// Exceptions as a handler may throw them, and what becomes of each.
let private thrown: (string * (unit -> exn) * ExportFailureKind) list =
    let request (error: HttpRequestError) (inner: exn | null) () : exn =
        HttpRequestException(error, "a message", inner)

    let socket (code: SocketError) : exn = SocketException(int code)
    let broken code : exn = IOException("broken", socket code)

    [
        "name resolution",
        request HttpRequestError.NameResolutionError (socket SocketError.HostNotFound),
        ExportFailureKind.Unreachable
        "refused",
        request HttpRequestError.ConnectionError (socket SocketError.ConnectionRefused),
        ExportFailureKind.Unreachable
        "no route",
        request HttpRequestError.ConnectionError (socket SocketError.HostUnreachable),
        ExportFailureKind.Unreachable
        "connect timeout",
        request HttpRequestError.ConnectionError (TimeoutException()),
        ExportFailureKind.TimedOut
        "TLS",
        request HttpRequestError.SecureConnectionError (IOException "handshake"),
        ExportFailureKind.Unreachable
        "proxy", request HttpRequestError.ProxyTunnelError null, ExportFailureKind.Unreachable
        "response ended",
        request HttpRequestError.ResponseEnded (HttpIOException HttpRequestError.ResponseEnded),
        ExportFailureKind.Unreachable
        "invalid response", request HttpRequestError.InvalidResponse null, ExportFailureKind.Unreachable
        "headers too long",
        request HttpRequestError.ConfigurationLimitExceeded null,
        ExportFailureKind.Unreachable
        "reset",
        request HttpRequestError.Unknown (broken SocketError.ConnectionReset),
        ExportFailureKind.Unreachable
        "broken pipe",
        request HttpRequestError.Unknown (broken SocketError.Shutdown),
        ExportFailureKind.Unreachable
        "network down",
        request HttpRequestError.Unknown (broken SocketError.NetworkDown),
        ExportFailureKind.Unreachable
        "unknown", request HttpRequestError.Unknown null, ExportFailureKind.Unreachable
        "a bare IOException", (fun () -> broken SocketError.ConnectionAborted), ExportFailureKind.Unreachable
        "a client's own timeout",
        (fun () -> TaskCanceledException("timeout", TimeoutException())),
        ExportFailureKind.TimedOut
        "a handler's own bug", (fun () -> InvalidOperationException "bug"), ExportFailureKind.Unreachable
        "a cancellation that nobody asked for",
        (fun () -> OperationCanceledException()),
        ExportFailureKind.Unreachable
    ]

let private throwing (error: unit -> exn) (readBody: bool) =
    task {
        use folder = new Folder()
        let path = folder.Write("f", patterned 1000)
        let mutable requests = 0

        use sink =
            scriptedSink (optionsFor "http://gateway.example/x") TimeProvider.System 0. (fun request _ ->
                task {
                    requests <- requests + 1

                    if readBody then
                        let! _ = drain request
                        ()

                    return raise (error ())
                })

        let! failure = failureOf (fun () -> sink.PushAsync("a", path))
        return failure, requests
    }

[<Tests>]
let tests =
    testList "a fault" [
        for name, error, kind in thrown do
            testCaseTask $"of the transport is told and tried again: {name}" (fun () ->
                task {
                    let! failure, requests = throwing error false
                    Expect.equal failure.Kind kind "kind"
                    Expect.equal requests 3 "three attempts"
                    Expect.isFalse failure.MayBeStored "certainly not sent: no byte of the body was read"
                    let! failure, _ = throwing error true
                    Expect.isTrue failure.MayBeStored "unknown: the whole body was read"
                    Expect.isNull failure.InnerException "no inner exception"
                })

        testCaseTask
            "that is a refusal before the body is reported as the refusal, and no body is sent"
            (fun () ->
                task {
                    use! scene = scene "a" (patterned 5_000_000)
                    let url = scene.Url.Replace("X-Amz-Signature=", "X-Amz-Signature=0")
                    let! failure = push (once url) scene.Content
                    Expect.equal failure.Kind ExportFailureKind.Refused "kind"
                    Expect.equal failure.StatusCode (Nullable(enum 403)) "status"
                    Expect.equal failure.ErrorCode "SignatureDoesNotMatch" "code"
                    Expect.equal (List.exactlyOne scene.Puts).BodyBytes 0L "not one byte of the body"
                })

        testCaseTask "of an early success that drops the body gives no receipt" (fun () ->
            task {
                use! scene = scene "a" (patterned 30_000_000)
                scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.EarlySuccess(store = false))
                let! failure = push (once scene.Url) scene.Content
                Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                Expect.isNone scene.Stored "nothing stored"
            })

        testCaseTask
            "of a server that is gone after it stored is told as doubt, and write-once tells the rest"
            (fun () ->
                task {
                    use! scene = scene "a" (patterned 1000)
                    scene.Server.Misbehave(bucket, scene.Key, Fault.ResetAfterBody(store = true))

                    use sink =
                        new PresignedS3ExportSink(
                            PresignedS3ExportSinkOptions(
                                PresignedUrl = scene.Url,
                                CellId = cellId,
                                Bucket = bucket,
                                RetryBackoff = TimeSpan.Zero,
                                WriteOnce = true
                            )
                        )

                    let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                    Expect.equal failure.Kind ExportFailureKind.AlreadyExists "kind"
                    Expect.isTrue failure.MayBeStored "it may be ours"
                    Expect.stringContains failure.Message "may be its own" "and the message says so"
                })

        testCaseTask "of the caller, a push through a disposed sink, is told as that" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                let sink = sinkFor scene.Url
                sink.Dispose()
                sink.Dispose()

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> sink.PushAsync("a", scene.Path) |> ignore)
                    "disposed"

                Expect.isEmpty scene.Puts "nothing was sent"
            })
    ]
