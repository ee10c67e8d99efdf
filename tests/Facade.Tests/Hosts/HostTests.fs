/// Sinks in a host's container.
module Facade.Tests.HostTests

open System
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Microsoft.Extensions.DependencyInjection
open Microsoft.Extensions.Hosting
open Microsoft.Extensions.Logging
open Microsoft.Extensions.Options
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

let private secret = "0123456789abcdef0123"

let private variables (endpoint: Uri) = [
    "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
    $"{endpoint}my-cellos-evidence/{{cell_id}}/{{artifact_name}}?X-Amz-Signature={secret}"
]

/// A service of a host's.
type Exporter([<FromKeyedServices("artifact-bucket")>] sink: IExportSink) =
    member _.Sink = sink

/// Counts the requests that pass, as a host's own handler might.
type private Counting(count: int ref) =
    inherit DelegatingHandler()

    override this.SendAsync(request, cancellationToken) =
        Interlocked.Increment(&count.contents) |> ignore
        base.SendAsync(request, cancellationToken)

type private Provider(book: LogBook) =
    interface ILoggerProvider with
        member _.CreateLogger _ = book
        member _.Dispose() = ()

let private services (book: LogBook) =
    let services = ServiceCollection()

    services.AddLogging(fun logging ->
        logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new Provider(book))
        |> ignore)
    |> ignore

    services

let private add variables (services: IServiceCollection) =
    services.AddS3ExportSinks(S3ExportSpec.Parse seedSpec, cellId, environment variables)

[<Tests>]
let tests =
    testList "sinks in a host" [
        testCaseTask
            "are injected by the names of their targets, and send through the host's client"
            (fun () ->
                task {
                    use! server = gateway ()
                    use folder = new Folder()
                    let path = folder.Write("a", patterned 1000)
                    let book = LogBook()
                    let count = ref 0
                    let services = services book

                    (add (variables server.Endpoint) services)
                        .AddHttpMessageHandler(fun () -> new Counting(count) :> DelegatingHandler)
                    |> ignore

                    services.AddSingleton<Exporter>() |> ignore
                    use provider = services.BuildServiceProvider()
                    let exporter = provider.GetRequiredService<Exporter>()
                    let! receipt = exporter.Sink.PushAsync("a", path)
                    Expect.equal receipt.Destination "s3://my-cellos-evidence/cell-7/a" "stored"
                    Expect.equal count.Value 1 "through the host's handler"
                    let all = provider.GetRequiredService<S3ExportSinks>()

                    Expect.isTrue
                        (obj.ReferenceEquals(all["artifact-bucket"], exporter.Sink))
                        "the same sink"

                    let headers = (Seq.exactlyOne server.Requests).Headers
                    Expect.isFalse (headers.ContainsKey "traceparent") "no header that nobody signed"

                    let lines = String.Join("\n", book.Lines)
                    Expect.stringContains lines "template-in-signed-path" "what was noticed is logged"
                    Expect.stringContains lines "Exported a" "what was done is logged"
                    Expect.isFalse (lines.Contains secret) "no secret, at any level"
                })

        testCaseTask "are validated when the host starts" (fun () ->
            task {
                let builder = Host.CreateEmptyApplicationBuilder null

                builder.Services
                |> add [
                    "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET", $"ftp://h?X-Amz-Signature={secret}"
                    "CELLOS_EXPORT_S3_REGION__ARTIFACT_BUCKET", "no region"
                ]
                |> ignore

                use host = builder.Build()
                let mutable message = ""
                let mutable text = ""

                try
                    do! host.StartAsync()
                with :? OptionsValidationException as refusal ->
                    message <- refusal.Message
                    text <- string refusal

                Expect.stringContains text message "the text of the exception"
                Expect.isFalse (text.Contains "   at ") "no stack trace"
                Expect.stringContains message "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET" "the URL"

                Expect.stringContains
                    message
                    "CELLOS_EXPORT_S3_REGION__ARTIFACT_BUCKET"
                    "the region, at once"

                Expect.isFalse (message.Contains secret) "no secret"
            })

        testCaseTask "let a host start that is configured well" (fun () ->
            task {
                use! server = gateway ()
                let builder = Host.CreateEmptyApplicationBuilder null
                let book = LogBook()
                builder.Logging.AddProvider(new Provider(book)) |> ignore
                builder.Services |> add (variables server.Endpoint) |> ignore
                use host = builder.Build()
                do! host.StartAsync()

                Expect.stringContains
                    (String.Join("\n", book.Lines))
                    "template-in-signed-path"
                    "told at the start"

                do! host.StopAsync()
                Expect.isEmpty server.Requests "nothing was sent"
            })

        testCaseTask "are refused when a host's client would spoil every request" (fun () ->
            task {
                let refused (configure: HttpClient -> unit) =
                    task {
                        let builder = Host.CreateEmptyApplicationBuilder null

                        (builder.Services |> add (variables (Uri "http://127.0.0.1:1/")))
                            .ConfigureHttpClient(configure)
                        |> ignore

                        use host = builder.Build()

                        try
                            do! host.StartAsync()
                            return "it started"
                        with :? OptionsValidationException as refusal ->
                            return refusal.Message
                    }

                let! headers =
                    refused (fun client -> client.DefaultRequestHeaders.Add("X-Ours", "1"))

                Expect.stringContains headers "X-Ours" "the header"
                Expect.stringContains headers "CellOS.Export.S3" "the client"
                let! timeout = refused (fun client -> client.Timeout <- TimeSpan.FromSeconds 2.)
                Expect.stringContains timeout "00:00:02" "the timeout"
            })

        testCaseTask "send without what the host sets for all its clients" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let path = folder.Write("a", patterned 10)
                let count = ref 0
                let services = services (LogBook())
                services |> add (variables server.Endpoint) |> ignore

                services.ConfigureHttpClientDefaults(fun defaults ->
                    defaults
                        .ConfigureHttpClient(fun (client: HttpClient) ->
                            client.Timeout <- TimeSpan.FromMilliseconds 1.
                            client.DefaultRequestHeaders.Add("X-Ours", "1"))
                        .AddHttpMessageHandler(fun () -> new Counting(count) :> DelegatingHandler)
                    |> ignore)
                |> ignore

                use provider =
                    services.BuildServiceProvider(
                        ServiceProviderOptions(ValidateScopes = true, ValidateOnBuild = true)
                    )

                let sink = provider.GetRequiredKeyedService<IExportSink> "artifact-bucket"
                let! _ = sink.PushAsync("a", path)
                Expect.equal count.Value 0 "no handler that may retry"

                Expect.isFalse
                    ((Seq.exactlyOne server.Requests).Headers.ContainsKey "X-Ours")
                    "no header that nobody signed"
            })

        testCase "are refused at the first use where no host validates them" (fun () ->
            let services = services (LogBook())
            services |> add [] |> ignore
            use provider = services.BuildServiceProvider()

            let isRefused =
                try
                    provider.GetRequiredKeyedService<IExportSink> "artifact-bucket" |> ignore
                    false
                with :? OptionsValidationException ->
                    true

            Expect.isTrue isRefused "no URL")

        testCase "with a wrong cell id are refused together with what else is wrong" (fun () ->
            let services = services (LogBook())

            services.AddS3ExportSinks(S3ExportSpec.Parse seedSpec, "a/b", environment [])
            |> ignore

            use provider = services.BuildServiceProvider()

            let message =
                try
                    provider.GetRequiredService<S3ExportSinks>() |> ignore
                    failtest "sinks where a refusal was expected"
                with :? OptionsValidationException as refusal ->
                    refusal.Message

            Expect.stringContains message "The cell id" "the cell id"
            Expect.stringContains message "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET" "and the URL")

        testCase "are those of one cell" (fun () ->
            let services = services (LogBook())
            services |> add [] |> ignore

            Expect.throwsT<InvalidOperationException>
                (fun () -> services |> add [] |> ignore)
                "a second cell")

        testCaseTask "take the clock of the container" (fun () ->
            task {
                use! server = gateway ()
                let services = services (LogBook())
                let time = FakeTime(DateTimeOffset(2031, 1, 1, 0, 0, 0, TimeSpan.Zero))
                services.AddSingleton<TimeProvider> time |> ignore
                services |> add (variables server.Endpoint) |> ignore
                use provider = services.BuildServiceProvider()
                let sinks = provider.GetRequiredService<S3ExportSinks>()
                Expect.equal sinks.Configuration.ResolvedAt.Year 2031 "the clock"
            })
    ]
