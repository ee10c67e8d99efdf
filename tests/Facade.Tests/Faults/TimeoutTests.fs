/// Which of the two limits strikes, the one on connecting or the one on the attempt.
module Facade.Tests.TimeoutTests

open System
open System.IO
open System.Net.Http
open System.Net.Sockets
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core
open CellOS.Export.S3.Http
open CellOS.Export.S3.Source
open Expecto
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

let private optionsTo (url: string) (connect: float) (request: float) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        MaxAttempts = 1,
        ConnectTimeout = TimeSpan.FromSeconds connect,
        RequestTimeout = TimeSpan.FromSeconds request
    )

let private failed (options: PresignedS3ExportSinkOptions) =
    task {
        use folder = new Folder()
        let path = folder.Write("f", patterned 10)
        use sink = new PresignedS3ExportSink(options)
        let! failure = failureOf (fun () -> sink.PushAsync("a", path))
        Expect.equal failure.Kind ExportFailureKind.TimedOut failure.Message
        return failure.Message
    }

[<Tests>]
let tests =
    testList "the two timeouts" [
        testCaseTask "a server that does not connect runs into the connect timeout" (fun () ->
            task {
                use! full = FullBacklog.Make()
                let port = (full.Address :?> Net.IPEndPoint).Port
                let! message = failed (optionsTo $"http://127.0.0.1:{port}/evidence/a" 0.5 60.)
                Expect.stringContains message "no connection within 500 ms" "the limit that struck"
                Expect.stringContains message Variable.ConnectTimeout "what to raise"
            })

        testCaseTask "a server that does not reply runs into the request timeout" (fun () ->
            task {
                use server = new RawServer(fun _ connection -> connection.Read Int64.MaxValue)
                let! message = failed (optionsTo (server.Url "/evidence/a") 60. 1.)
                Expect.stringContains message "the request timeout of 1 s" "the limit that struck"
                Expect.stringContains message Variable.RequestTimeout "what to raise"
            })

        testCase "a timeout of the transport's is the one on connecting until the body has begun" (fun () ->
            for error in
                [
                    HttpRequestException("m", TimeoutException()) :> exn
                    TaskCanceledException("m", TimeoutException())
                ] do
                for begun, kind in [ false, FaultKind.ConnectTimeout; true, FaultKind.RequestTimeout ] do
                    let struct (found, _) = FaultMapper.Classify(error, Uri "https://h/", null, begun)
                    Expect.equal found kind $"{error.GetType().Name}, begun: {begun}")

        testCase "a fault of this process is not one of the network" (fun () ->
            let inHttp (error: exn) =
                HttpRequestException(HttpRequestError.ConnectionError, "m", error) :> exn

            for error, part in
                [
                    OutOfMemoryException() :> exn, "out of memory"
                    inHttp (InsufficientMemoryException()), "out of memory"
                    inHttp (SocketException(int SocketError.TooManyOpenSockets)), "too many open files"
                    inHttp (SocketException(int SocketError.NoBufferSpaceAvailable)), "no memory"
                    IOException("Too many open files", 24), "too many open files"
                    IOException("Too many open files in system", 23), "too many open files"
                    IOException("Cannot allocate memory", 12), "out of memory"
                    FileNotFoundException("m", "System.Text.Json, Version=10.0.0.0, Culture=neutral"),
                    "could not load its library System.Text.Json, which happens at the limit of open files"
                    inHttp (TypeInitializationException("T", DllNotFoundException "m")),
                    "which happens at the limit of open files"
                    inHttp (
                        InvalidOperationException
                            "The home directory of the current user could not be determined."
                    ),
                    "HOME is not set"
                ] do
                let struct (kind, detail) =
                    FaultMapper.Classify(error, Uri "https://h/", null, false)

                Expect.equal kind FaultKind.LocalFault $"{error}"
                Expect.stringContains detail part $"{error}"

            for error in
                [
                    IOException("No such device", 19) :> exn
                    FileNotFoundException("m", "/evidence/a, Version=2")
                    inHttp (SocketException(int SocketError.ConnectionRefused))
                ] do
                let struct (kind, _) = FaultMapper.Classify(error, Uri "https://h/", null, false)
                Expect.notEqual kind FaultKind.LocalFault $"{error}")

        testCase "a file that cannot be opened for lack of descriptors is not a broken disk" (fun () ->
            let fault = SourceException.From(IOException("Too many open files", 24), "a")
            Expect.equal fault.Kind FaultKind.LocalFault "kind"
            Expect.stringContains fault.Message "too many open files" "the reason"

            let library = "System.Text.Json, Version=10.0.0.0, Culture=neutral"

            Expect.equal
                (SourceException.From(FileNotFoundException("m", library), "a")).Kind
                FaultKind.LocalFault
                "a library is not the file"

            Expect.equal
                (SourceException.From(FileNotFoundException("m", "a"), "a")).Kind
                FaultKind.SourceNotFound
                "a missing file is one"

            Expect.equal
                (SourceException.From(IOException("Input/output error", 5), "a")).Kind
                FaultKind.SourceUnreadable
                "a broken disk is one")

        testCase "the handlers connect within the connect timeout" (fun () ->
            use handler = HandlerDraft(optionsTo "https://h/a" 7. 11.).Create()
            Expect.equal handler.ConnectTimeout (TimeSpan.FromSeconds 7.) "of the options"

            let configuration =
                S3ExportConfiguration.Resolve(
                    S3ExportSpec.Parse seedSpec,
                    null,
                    environment [ Variable.ConnectTimeout, "7000"; Variable.RequestTimeout, "11000" ]
                )

            use handler = configuration.CreateHandler()
            Expect.equal handler.ConnectTimeout (TimeSpan.FromSeconds 7.) "of the environment")
    ]
