/// Sinks from a host's configuration: appsettings.json, and the environment on top.
module Facade.Tests.HostConfigurationTests

open System
open System.Collections.Generic
open System.IO
open System.Text
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Microsoft.Extensions.Configuration
open Microsoft.Extensions.DependencyInjection
open Microsoft.Extensions.Hosting
open Microsoft.Extensions.Options
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

let private appsettings (url: string) =
    $$"""{
  "Logging": { "LogLevel": { "Default": "Warning" } },
  "Export": {
    "Targets": [
      { "Name": "artifact-bucket", "Kind": "s3", "Bucket": "my-cellos-evidence", "KeyPrefix": "audit", "Note": 7 },
      { "Name": "cold", "Kind": "s3", "Bucket": "cold" },
      { "Name": "by-http", "Kind": "http" }
    ],
    "Artifacts": [{ "Name": "logs/out.txt", "Path": "out.txt", "Target": "artifact-bucket" }]
  },
  "CELLOS_EXPORT_S3_PRESIGNED_URL": {
    "artifact-bucket": "{{url}}",
    "COLD": "https://cold.example/{cell_id}/{artifact_name}"
  },
  "CELLOS_EXPORT_S3_MAX_ATTEMPTS__COLD": 7,
  "CELLOS_EXPORT_S3_WRITE_ONCE": { "cold": true },
  "CELLOS_EXPORT_S3_TIMEOUT_MS": 5000
}"""

let private configured (json: string) (environment: (string * string) list) =
    ConfigurationBuilder()
        .AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes json))
        // As the provider of the environment's variables gives them.
        .AddInMemoryCollection(
            [
                for name, value in environment ->
                    KeyValuePair<string, string | null>(name.Replace("__", ":"), value)
            ]
        )
        .Build()

let private secret = "0123456789abcdef0123"

let private gatewayUrl (server: LoopbackS3Server) =
    $"{server.Endpoint}my-cellos-evidence/audit/{{cell_id}}/{{artifact_name}}?X-Amz-Signature={secret}"

[<Tests>]
let tests =
    testList "sinks from a host's configuration" [
        testCaseTask "are those that it lists, with the settings that it has" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let path = folder.Write("a", patterned 1000)
                let configuration = configured (appsettings (gatewayUrl server)) []
                let services = ServiceCollection()
                services.AddS3ExportSinks(configuration, cellId) |> ignore
                use provider = services.BuildServiceProvider()
                let sink = provider.GetRequiredKeyedService<IExportSink> "artifact-bucket"
                let! receipt = sink.PushAsync("a", path)
                Expect.equal receipt.Destination "s3://my-cellos-evidence/audit/cell-7/a" "stored"
                let sinks = provider.GetRequiredService<S3ExportSinks>()
                Expect.sequenceEqual sinks.Keys [ "artifact-bucket"; "cold" ] "the S3 targets"
                let spec = sinks.Configuration.Spec

                Expect.sequenceEqual
                    [ for other in spec.OtherTargets -> other.Name ]
                    [ "by-http" ]
                    "the other"

                Expect.sequenceEqual [ for a in spec.Artifacts -> a.Name ] [ "logs/out.txt" ] "the artifacts"

                let setting target name =
                    sinks.Configuration.Targets
                    |> Seq.find (fun report -> report.Name = target)
                    |> _.Settings
                    |> Seq.find (fun setting -> setting.Name = name)
                    |> _.Value

                Expect.equal (setting "cold" "maxAttempts") "7" "under its name in the environment"
                Expect.equal (setting "cold" "writeOnce") "true" "a truth value of JSON"

                Expect.equal
                    (sinks.Configuration.Globals
                     |> Seq.find (fun setting -> setting.Name = "requestTimeout")
                     |> _.Value)
                    "5000 ms"
                    "a global one"
            })

        testCase "the environment counts more than appsettings.json" (fun () ->
            let variables =
                S3ExportConfiguration.ReadVariables(
                    configured (appsettings "https://a.example/{artifact_name}") [
                        "CELLOS_EXPORT_S3_MAX_ATTEMPTS__COLD", "2"
                        "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                        "https://b.example/{artifact_name}"
                        "PATH", "/bin"
                    ]
                )

            Expect.sequenceEqual
                (variables |> Seq.map (fun pair -> pair.Key, pair.Value) |> Seq.sortBy fst)
                [
                    "CELLOS_EXPORT_S3_MAX_ATTEMPTS__COLD", "2"
                    "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET", "https://b.example/{artifact_name}"
                    "CELLOS_EXPORT_S3_PRESIGNED_URL__COLD", "https://cold.example/{cell_id}/{artifact_name}"
                    "CELLOS_EXPORT_S3_TIMEOUT_MS", "5000"
                    "CELLOS_EXPORT_S3_WRITE_ONCE__COLD", "True"
                ]
                "the variables, and nothing else")

        testCase "a variable that nobody reads is told of, and the nearest one that is read" (fun () ->
            let configuration =
                configured
                    """{
  "Export": { "Targets": [{ "Name": "cold", "Kind": "s3", "Bucket": "cold" }] },
  "CELLOS_EXPORT_S3_PRESIGNED_URL": { "cold": "https://cold.example/{cell_id}/{artifact_name}" },
  "CELLOS_EXPORT_S3_MAX_ATEMPTS": { "cold": 5 }
}"""
                    []

            let resolved =
                S3ExportConfiguration.Resolve(
                    S3ExportSpec.FromConfiguration(configuration.GetSection "export"),
                    cellId,
                    S3ExportConfiguration.ReadVariables configuration
                )

            Expect.sequenceEqual
                [ for finding in resolved.Findings -> string finding ]
                [
                    "warning unknown-variable: CELLOS_EXPORT_S3_MAX_ATEMPTS__COLD: nothing reads this variable. "
                    + "Did you mean CELLOS_EXPORT_S3_MAX_ATTEMPTS__COLD? Correct its name, or remove it."
                ]
                "of one finding")

        testCase "takes the process's own environment, as a host does" (fun () ->
            let name = "CELLOS_EXPORT_S3_REGION__ARTIFACT_BUCKET"
            Environment.SetEnvironmentVariable(name, "eu-central-1")

            try
                let builder = Host.CreateApplicationBuilder()
                let variables = S3ExportConfiguration.ReadVariables builder.Configuration
                Expect.equal variables[name] "eu-central-1" "by the host's own configuration"
            finally
                Environment.SetEnvironmentVariable(name, null))

        testCase "what is wrong with the targets is told at once, with the section" (fun () ->
            let configuration =
                configured
                    """{ "Export": { "Targets": [{ "Name": "a", "Kind": "s3" }, { "Name": "b" }] } }"""
                    []

            let refusal =
                refusalOf (fun () -> ServiceCollection().AddS3ExportSinks(configuration, cellId))

            Expect.sequenceEqual
                [ for problem in refusal.Problems -> string problem ]
                [
                    "export: target 'a' has no 'bucket'. Give one."
                    "export: target 'b' has no 'kind'. Give one."
                    "export: target 'b' has no 'bucket'. Give one."
                ]
                "all of it"

            let nothing =
                refusalOf (fun () -> ServiceCollection().AddS3ExportSinks(configured "{}" [], cellId))

            Expect.stringContains nothing.Message "no targets" "no section")

        testCaseTask
            "what is wrong with a variable is told when the host starts, without the secret"
            (fun () ->
                task {
                    let builder = Host.CreateEmptyApplicationBuilder null

                    builder.Services.AddS3ExportSinks(
                        configured (appsettings $"ftp://h?X-Amz-Signature={secret}") [],
                        cellId
                    )
                    |> ignore

                    use host = builder.Build()
                    let mutable message = ""

                    try
                        do! host.StartAsync()
                    with :? OptionsValidationException as refusal ->
                        message <- refusal.Message

                    Expect.stringContains
                        message
                        "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET"
                        "the variable"

                    Expect.isFalse (message.Contains secret) "no secret"
                })

        testCaseTask "variables are read when the host starts, not before" (fun () ->
            task {
                let configuration = configured (appsettings "https://a.example/{artifact_name}") []
                let services = ServiceCollection()
                services.AddS3ExportSinks(configuration, cellId) |> ignore
                configuration["CELLOS_EXPORT_S3_REGION:COLD"] <- "eu-central-1"
                use provider = services.BuildServiceProvider()

                let cold =
                    provider.GetRequiredService<S3ExportSinks>().Configuration.Targets
                    |> Seq.find (fun report -> report.Name = "cold")

                Expect.equal
                    (cold.Settings |> Seq.find (fun setting -> setting.Name = "region") |> _.Value)
                    "eu-central-1"
                    "what a test host adds later"
            })

        testCaseTask "has its settings beside the targets, with the environment on top" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let path = folder.Write("a", patterned 1000)

                let configuration =
                    configured
                        $$"""{
  "Export": {
    "CellId": "{{cellId}}",
    "RequestTimeout": "00:01:00",
    "Targets": [
      {
        "Name": "artifact-bucket", "Kind": "s3", "Bucket": "my-cellos-evidence", "KeyPrefix": "audit",
        "PresignedUrl": "{{gatewayUrl server}}", "MaxAttempts": 5, "Deadline": "00:02:00", "KeyCheck": "off", "WriteOnce": true
      }
    ]
  }
}"""
                        [ "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "2" ]

                let services = ServiceCollection()
                services.AddS3ExportSinks configuration |> ignore
                use provider = services.BuildServiceProvider()
                let sink = provider.GetRequiredKeyedService<IExportSink> "artifact-bucket"
                let! receipt = sink.PushAsync("a", path)
                Expect.equal receipt.CellId cellId "the cell of the configuration"
                let resolved = provider.GetRequiredService<S3ExportSinks>().Configuration

                let setting name =
                    Seq.append (Seq.exactlyOne resolved.Targets).Settings resolved.Globals
                    |> Seq.find (fun setting -> setting.Name = name)
                    |> fun setting -> setting.Value, setting.Origin

                Expect.equal (setting "maxAttempts") ("2", S3ExportOrigin.Variable) "of the environment"
                Expect.equal (setting "deadline") ("120000 ms", S3ExportOrigin.Spec) "a time"
                Expect.equal (setting "keyCheck") ("off", S3ExportOrigin.Spec) "a word"
                Expect.equal (setting "writeOnce") ("true", S3ExportOrigin.Spec) "a truth value"
                Expect.equal (setting "requestTimeout") ("60000 ms", S3ExportOrigin.Spec) "of all targets"
            })

        testCase "is the whole configuration, or its section" (fun () ->
            let configuration = configured (appsettings "https://a.example/{artifact_name}") []
            let names (spec: S3ExportSpec) = [ for target in spec.Targets -> target.Name ]
            let whole = S3ExportSpec.FromConfiguration configuration
            let section = S3ExportSpec.FromConfiguration(configuration.GetSection "Export")
            Expect.equal (names whole) [ "artifact-bucket"; "cold" ] "the whole"
            Expect.equal (names section) (names whole) "the section"

            Expect.equal
                (ExportSpec.FromConfiguration(configuration.GetSection "Export")).TargetNames.Count
                (ExportSpec.FromConfiguration configuration).TargetNames.Count
                "of all kinds"

            let services = ServiceCollection()
            services.AddS3ExportSinks(configuration.GetSection "Export", cellId) |> ignore

            Expect.isTrue
                (services
                 |> Seq.exists (fun service -> service.IsKeyedService && string service.ServiceKey = "cold"))
                "registered")

        testCase "has to name a cell, if the program does not" (fun () ->
            let configuration = configured (appsettings "https://a.example/{artifact_name}") []

            for add in
                [
                    fun (services: IServiceCollection) -> services.AddS3ExportSinks configuration
                    fun services -> services.AddExportSinks configuration
                ] do
                let message =
                    Expect.throwsC (fun () -> add (ServiceCollection()) |> ignore) (fun refusal ->
                        refusal.Message)

                Expect.stringContains message "Export:CellId" message)

        testCaseTask "with a target that is not configured is refused with the names that are" (fun () ->
            task {
                let services = ServiceCollection()

                services.AddExportSinks(
                    configured (appsettings "https://a.example/{artifact_name}") [],
                    cellId
                )
                |> ignore

                use provider = services.BuildServiceProvider()

                let message =
                    Expect.throwsC
                        (fun () -> provider.GetRequiredKeyedService<IExportSink> "artifact-buket" |> ignore)
                        _.Message

                Expect.equal
                    message
                    "There is no export sink 'artifact-buket'. Did you mean 'artifact-bucket'? Configured: 'artifact-bucket', 'cold', 'by-http'."
                    "the names"
            })
    ]
