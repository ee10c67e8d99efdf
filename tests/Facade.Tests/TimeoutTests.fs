/// Which of the two limits strikes, the one on connecting or the one on the attempt.
module Facade.Tests.TimeoutTests

open System
open System.Net.Http
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core
open CellOS.Export.S3.Http
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
                    let struct (found, _) = FaultMapper.Classify(error, "h", null, begun)
                    Expect.equal found kind $"{error.GetType().Name}, begun: {begun}")

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
