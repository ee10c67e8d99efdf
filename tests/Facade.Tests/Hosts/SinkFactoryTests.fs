/// Sinks of many cells, which share connections.
module Facade.Tests.SinkFactoryTests

open System
open System.Collections.Generic
open System.IO
open System.Text
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.Testing
open Expecto
open LoopbackS3
open Microsoft.Extensions.Configuration
open Microsoft.Extensions.DependencyInjection
open Microsoft.Extensions.Hosting
open Microsoft.Extensions.Logging
open Microsoft.Extensions.Options
open Facade.Tests.BrokerSupport
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

let private appsettings (server: LoopbackS3Server) =
    $$"""{
  "Export": {
    "MaxAttemptz": 1,
    "Targets": [
      {
        "Name": "artifact-bucket",
        "Kind": "s3",
        "Bucket": "my-cellos-evidence",
        "PresignedUrl": "{{server.Endpoint}}my-cellos-evidence/{cell_id}/{artifact_name}"
      },
      { "Name": "copy", "Kind": "http", "BaseUrl": "{{server.Endpoint}}my-cellos-evidence/copies" }
    ]
  }
}"""

let private configured (text: string) =
    ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes text)).Build()

type private Provider(book: LogBook) =
    interface ILoggerProvider with
        member _.CreateLogger _ = book
        member _.Dispose() = ()

[<Tests>]
let tests =
    testList "sinks of many cells" [
        testCaseTask "are made by a factory, and share their connections" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let path = folder.Write("a", patterned 1000)
                let book = LogBook()
                let services = ServiceCollection()

                services.AddLogging(fun logging -> logging.AddProvider(new Provider(book)) |> ignore)
                |> ignore

                services.AddExportSinkFactory(configured (appsettings server)) |> ignore
                use provider = services.BuildServiceProvider()
                let factory = provider.GetRequiredService<IExportSinkFactory>()

                for cell in [ "cell-1"; "cell-2"; "cell-3" ] do
                    use sinks = factory.Create cell
                    Expect.sequenceEqual sinks.Keys [ "artifact-bucket"; "copy" ] "all targets"

                    for target, sink in sinks |> Seq.map (fun pair -> pair.Key, pair.Value) do
                        let! receipt = sink.PushAsync("a", path)
                        Expect.equal receipt.CellId cell $"{target}: its cell"
                        Expect.stringContains receipt.Destination cell $"{target}: its key"

                let connections =
                    server.Requests |> Seq.map _.ConnectionId |> Seq.distinct |> Seq.length

                Expect.equal (Seq.length server.Requests) 6 "six objects"
                Expect.equal connections 2 "one connection for each kind of sink"

                let told = book.Lines |> List.filter (fun line -> line.Contains "MaxAttemptz")

                Expect.hasLength told 1 "what is noticed is logged once, and not for each cell"
            })

        testCaseTask "share their connection to a broker, which is asked for the keys of each cell" (fun () ->
            task {
                use! server = gateway ()
                use broker = broker (grant server)
                use folder = new Folder()
                let path = folder.Write("a", patterned 1000)
                let services = ServiceCollection()

                services.AddExportSinkFactory(
                    configured
                        $$"""{ "Export": { "BrokerUrl": "{{broker.Url}}", "Targets": [{ "Name": "a", "Kind": "s3", "Bucket": "{{bucket}}" }] } }"""
                )
                |> ignore

                use provider = services.BuildServiceProvider()
                let factory = provider.GetRequiredService<IExportSinkFactory>()

                for cell in [ "cell-1"; "cell-2" ] do
                    use sinks = factory.Create cell
                    let! receipt = sinks["a"].PushAsync("a", path)
                    Expect.equal receipt.CellId cell "stored"

                Expect.equal
                    [ for request in broker.Requests -> request.Text "cellId" ]
                    [ "cell-1"; "cell-2" ]
                    "asked"

                Expect.equal broker.Connections 1 "over one connection"
            })

        testCaseTask "go on when those of another cell are disposed of" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let path = folder.Write("a", patterned 1000)
                let services = ServiceCollection()
                services.AddExportSinkFactory(configured (appsettings server)) |> ignore
                use provider = services.BuildServiceProvider()
                let factory = provider.GetRequiredService<IExportSinkFactory>()

                Expect.stringContains
                    (Expect.throwsC
                        (fun () -> provider.GetRequiredKeyedService<IExportSink> "copy" |> ignore)
                        _.Message)
                    "No export sink is configured"
                    "the sinks have no cell of the host's"

                use first = factory.Create "cell-1"
                let second = factory.Create "cell-2"
                second.Dispose()

                for sink in first.Values do
                    let! receipt = sink.PushAsync("a", path)
                    Expect.equal receipt.CellId "cell-1" "stored"
            })

        testCase "are checked against their cell" (fun () ->
            let services = ServiceCollection()

            services.AddExportSinkFactory(
                ExportSpec.Parse(
                    """spec:
  id: cell-7
  export:
    targets:
      - { name: a, kind: s3, bucket: b }
"""
                ),
                environment [ "CELLOS_EXPORT_S3_PRESIGNED_URL__A", "https://h.example/{artifact_name}" ]
            )
            |> ignore

            use provider = services.BuildServiceProvider()
            let factory = provider.GetRequiredService<IExportSinkFactory>()
            use sinks = factory.Create "cell-7"
            Expect.equal sinks.Count 1 "the cell of the spec"
            let refusal = refusalOf (fun () -> factory.Create "cell-8")
            Expect.stringContains refusal.Message "cell-7" "another cell"

            Expect.throwsT<ArgumentException>
                (fun () -> factory.Create "a/b" |> ignore)
                "an id that is not valid")

        testCaseTask "are validated when the host starts" (fun () ->
            task {
                let builder = Host.CreateEmptyApplicationBuilder null

                builder.Services.AddExportSinkFactory(
                    configured
                        """{ "Export": { "Targets": [{ "Name": "a", "Kind": "s3", "Bucket": "b" }] } }"""
                )
                |> ignore

                use host = builder.Build()
                let mutable message = ""

                try
                    do! host.StartAsync()
                with :? OptionsValidationException as refusal ->
                    message <- refusal.Message

                Expect.stringContains message "CELLOS_EXPORT_S3_PRESIGNED_URL__A" "the URL is missing"
            })

        testCaseTask "may be made beside those of the host's own cell" (fun () ->
            task {
                use! server = gateway ()
                let services = ServiceCollection()
                services.AddExportSinks(configured (appsettings server), cellId) |> ignore
                use provider = services.BuildServiceProvider()
                use sinks = provider.GetRequiredService<IExportSinkFactory>().Create "cell-8"

                Expect.equal
                    (sinks["copy"].DestinationHint "a")
                    $"{server.Endpoint}my-cellos-evidence/copies/cell-8/a"
                    "of another cell"

                Expect.stringContains
                    (provider.GetRequiredKeyedService<IExportSink>("copy").DestinationHint "a")
                    cellId
                    "of its own"
            })

        testCaseTask "can be faked, by name and by default" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("a", patterned 10)
                let sink = FakeExportSink(CellId = "cell-9")
                use sinks = new ExportSinks([ KeyValuePair("t", sink :> IExportSink) ])
                let! receipt = sinks["t"].PushAsync("a", path)
                Expect.equal receipt.CellId "cell-9" "its receipt"
                Expect.isTrue (obj.ReferenceEquals(sinks.Default, sink)) "the single target"
                use other = new ExportSinks(Seq.empty, sink)
                Expect.isTrue (obj.ReferenceEquals(other.Default, sink)) "the default sink"

                Expect.throwsT<InvalidOperationException>
                    (fun () -> sinks.Configuration |> ignore)
                    "no configuration"

                let missing = Expect.throwsC (fun () -> sinks["u"] |> ignore) _.Message
                Expect.stringContains missing "'t'" "the names"
            })
    ]
