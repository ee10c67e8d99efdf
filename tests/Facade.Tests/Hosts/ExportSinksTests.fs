/// Sinks of all kinds from one spec, and in a host's container.
module Facade.Tests.ExportSinksTests

open System
open System.Collections.Generic
open System.IO
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.CompositionSupport
open Facade.Tests.Support
open Microsoft.Extensions.DependencyInjection
open Microsoft.Extensions.Hosting

let private spec =
    """
apiVersion: cellos.io/v1
kind: ExecutionCell
spec:
  id: cell-7
  export:
    targets:
      - {name: artifact-bucket, kind: s3, bucket: my-cellos-evidence}
      - {name: archive, kind: local}
      - {name: web, kind: http}
"""

/// An environment for all kinds: the HTTP endpoint is a folder of the gateway's bucket.
let private variables (endpoint: Uri) (root: string) = [
    "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
    $"{endpoint}my-cellos-evidence/{{cell_id}}/{{artifact_name}}"
    "CELLOS_EXPORT_DIR", root
    "CELLOS_EXPORT_HTTP_BASE_URL__WEB", $"{endpoint}my-cellos-evidence/web"
    "CELLOS_EXPORT_HTTP_BEARER_TOKEN__WEB", "sekrit.token-1"
]

let private refusals (make: unit -> ExportSinks) =
    try
        use _ = make ()
        []
    with :? S3ExportConfigurationException as refused -> [ for problem in refused.Problems -> string problem ]

[<Tests>]
let tests =
    testList "sinks of all kinds" [
        testCaseTask "export one file through each, and the default sink is the folder" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let root = folder.At "export"
                let path = folder.Write("a", patterned 1000)

                use sinks =
                    ExportSinks.Create(
                        ExportSpec.Parse spec,
                        null,
                        environment (variables server.Endpoint root)
                    )

                Expect.equal (List.ofSeq sinks.Keys) [ "artifact-bucket"; "archive"; "web" ] "by their names"

                for key, kind, destination, name in
                    [
                        "artifact-bucket",
                        ExportTargetKind.S3,
                        "s3://my-cellos-evidence/cell-7/report.json",
                        "artifact-bucket"
                        "archive", ExportTargetKind.Local, $"{root}/cell-7/report.json", "archive"
                        "web",
                        ExportTargetKind.Http,
                        $"{server.Endpoint}my-cellos-evidence/web/cell-7/report.json",
                        "web"
                    ] do
                    let! receipt = sinks[key].PushAsync("report.json", path)
                    Expect.equal receipt.TargetKind kind key
                    Expect.equal receipt.TargetName name "the target"
                    Expect.equal receipt.Destination destination "the address"
                    Expect.equal receipt.Sha256 (sha256 (patterned 1000)) "SHA-256"
                    Expect.stringContains (receipt.ToCloudEvent()) $"\"targetName\":\"{name}\"" "the event"

                let fallback = Expect.wantSome (Option.ofObj sinks.Default) "a default sink"
                let! receipt = fallback.PushAsync("unassigned", path)
                Expect.equal receipt.TargetKind ExportTargetKind.Local "the folder"
                Expect.isNull receipt.TargetName "no name"
                Expect.isTrue (File.Exists(Path.Combine(root, "cell-7", "unassigned"))) "written"
            })

        test "the single target is the default sink where the environment names none" {
            use folder = new Folder()

            use sinks =
                ExportSinks.Create(
                    ExportSpec.Parse "export: {targets: [{name: archive, kind: local}]}",
                    cellId,
                    environment [ "CELLOS_EXPORT_DIR__ARCHIVE", folder.Path ]
                )

            Expect.isTrue (Object.ReferenceEquals(sinks.Default, sinks["archive"])) "it"
        }

        test "HTTP is the default sink before a folder, and a spec needs no target" {
            use sinks =
                ExportSinks.Create(
                    ExportSpec.Parse "export: {}",
                    cellId,
                    environment [
                        "CELLOS_EXPORT_DIR", "/x"
                        "CELLOS_EXPORT_HTTP_BASE_URL", "https://archive.example/in"
                    ]
                )

            Expect.equal sinks.Count 0 "no target"
            let fallback = Expect.wantSome (Option.ofObj sinks.Default) "a default sink"
            Expect.equal (fallback.DestinationHint "a") "https://archive.example/in/cell-7/a" "HTTP"
        }

        test "all that is wrong with all kinds is reported at once, without the token" {
            let problems =
                refusals (fun () ->
                    ExportSinks.Create(
                        ExportSpec.Parse spec,
                        null,
                        environment [
                            "CELLOS_EXPORT_HTTP_BASE_URL__WEB", "http://archive.example/in"
                            "CELLOS_EXPORT_HTTP_BEARER_TOKEN__WEB", "sekrit.token-1"
                        ]
                    ))

            let all = String.Join("\n", problems)

            for variable in
                [
                    "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET"
                    "CELLOS_EXPORT_DIR__ARCHIVE"
                    "CELLOS_EXPORT_HTTP_BEARER_TOKEN__WEB"
                ] do
                Expect.stringContains all variable ""

            Expect.isFalse (all.Contains "sekrit") all
        }

        test "the S3 sinks of the same spec leave the other kinds alone" {
            use sinks =
                S3ExportSinks.Create(
                    S3ExportSpec.Parse spec,
                    null,
                    environment [
                        "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                        "https://my-cellos-evidence.s3.us-west-2.amazonaws.com/{cell_id}/{artifact_name}"
                    ]
                )

            Expect.equal (List.ofSeq sinks.Keys) [ "artifact-bucket" ] "S3 alone"
        }

        testCaseTask "are injected into a host by their names, and the default one without a name" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let root = folder.At "export"
                let path = folder.Write("a", patterned 100)
                let builder = Host.CreateApplicationBuilder()

                builder.Services.AddExportSinks(
                    ExportSpec.Parse spec,
                    null,
                    environment (variables server.Endpoint root)
                )
                |> ignore

                use host = builder.Build()
                do! host.StartAsync()

                for key, kind in
                    [
                        "artifact-bucket", ExportTargetKind.S3
                        "archive", ExportTargetKind.Local
                        "web", ExportTargetKind.Http
                    ] do
                    let sink = host.Services.GetRequiredKeyedService<IExportSink> key
                    let! receipt = sink.PushAsync("report.json", path)
                    Expect.equal receipt.TargetKind kind key

                let fallback = host.Services.GetRequiredService<IExportSink>()
                Expect.equal fallback.TargetKind ExportTargetKind.Local "the default sink"
                let all = host.Services.GetRequiredService<ExportSinks>()
                Expect.isTrue (Object.ReferenceEquals(all.Default, fallback)) "one sink"
                do! host.StopAsync()
            })

        testCaseTask "a host that has no usable environment does not start" (fun () ->
            task {
                let builder = Host.CreateApplicationBuilder()

                builder.Services.AddExportSinks(ExportSpec.Parse spec, null, environment [])
                |> ignore

                use host = builder.Build()

                do!
                    task {
                        try
                            do! host.StartAsync()
                            failtest "it started"
                        with :? Microsoft.Extensions.Options.OptionsValidationException as refused ->
                            Expect.stringContains refused.Message "CELLOS_EXPORT_DIR__ARCHIVE" "why"
                    }
            })
    ]
