/// Where proxies come from, and what is said of those that cannot be used.
module Facade.Tests.ProxySettingTests

open System
open System.Net.Http
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Microsoft.Extensions.Configuration
open Facade.Tests.CompositionSupport
open Facade.Tests.ProxySupport
open Facade.Tests.Support

let private url =
    "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET", "https://h.example/{artifact_name}"

let private resolve variables =
    S3ExportConfiguration.Resolve(S3ExportSpec.Parse seedSpec, null, environment (url :: variables))

/// Sets variables of this process for a while. Only tests that run alone may do so.
let private during (variables: (string * string) list) (act: unit -> 'a) =
    try
        for name, value in variables do
            Environment.SetEnvironmentVariable(name, value)

        act ()
    finally
        for name, _ in variables do
            Environment.SetEnvironmentVariable(name, null)

let private refusedOptions (build: unit -> IDisposable) =
    try
        use _ = build ()
        failtest "a sink where a refusal was expected"
    with :? ArgumentException as refusal ->
        hidesCredentials (refusal.ToString())
        refusal.Message

[<Tests>]
let fromSpec =
    testList "proxies of a spec's sinks" [
        testCase "are told among the settings, without their credentials" (fun () ->
            let configuration =
                resolve [
                    "https_proxy", $"http://{credentials}@proxy.example:3128"
                    "NO_PROXY", ".internal"
                ]

            let rows = [
                for row in configuration.Globals do
                    if row.Name.EndsWith "Proxy" then
                        $"{row.Name} {row.Origin} {row.Variable} {row.Value}"
            ]

            Expect.equal
                rows
                [
                    "httpsProxy Variable https_proxy http://proxy.example:3128 (with user name and password)"
                    "noProxy Variable NO_PROXY internal"
                ]
                "the rows"

            Expect.isTrue configuration.IsUsable "it can be used"

            for row in configuration.Globals do
                hidesCredentials (row.ToString()))

        testCase "are not told where there are none" (fun () ->
            for variables in [ []; [ "NO_PROXY", "*" ]; [ "HTTP_PROXY", " " ] ] do
                Expect.isEmpty
                    [
                        for row in (resolve variables).Globals do
                            if row.Name.EndsWith "Proxy" then
                                row
                    ]
                    "no row")

        testCase "are refused with their variable, and all at once" (fun () ->
            let configuration =
                resolve [
                    "HTTP_PROXY", $"ftp://{credentials}@proxy.example"
                    "HTTPS_PROXY", $"http://{credentials}@"
                    "CELLOS_CA_BUNDLE", "/no/such/file.pem"
                ]

            let texts = [ for refusal in configuration.Refusals -> refusal.ToString() ]
            Expect.equal texts.Length 3 "three"
            texts |> List.iter hidesCredentials

            for variable, what in [ "HTTP_PROXY", "has an unknown scheme"; "HTTPS_PROXY", "has no host" ] do
                let problem =
                    configuration.Refusals |> Seq.find (fun refusal -> refusal.Variable = variable)

                Expect.stringContains
                    (problem.ToString())
                    $"{variable}: The proxy URL {what}"
                    "which and why"

                Expect.stringContains problem.Text "Give http://host:port" "what to do"

            let refusal =
                refusalOf (fun () ->
                    use sinks =
                        S3ExportSinks.Create(
                            S3ExportSpec.Parse seedSpec,
                            cellId,
                            environment [ url; "ALL_PROXY", $"{credentials}@proxy.example/x" ]
                        )

                    sinks.Count)

            Expect.stringContains refusal.Message "ALL_PROXY" "once"
            hidesCredentials (refusal.ToString()))
    ]

[<Tests>]
let ofProcess =
    testSequenced (
        testList "proxies of this process" [
            testCaseTask "are for sinks from options" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = guarded ()

                    let origin = lab.Origin "http"

                    let options =
                        optionsFor $"http://{origin}/my-cellos-evidence/{{cell_id}}/{{artifact_name}}"

                    let sinks =
                        during (throughAs "http" credentials proxy) (fun () -> [
                            new PresignedS3ExportSink(options)
                            new PresignedS3ExportSink(
                                options,
                                new HttpClient(
                                    PresignedS3ExportSink.CreateHandler options,
                                    Timeout = Threading.Timeout.InfiniteTimeSpan
                                )
                            )
                        ])

                    // As they were when the sink was built.
                    for sink in sinks do
                        let! receipt = sink.PushAsync("a", lab.Path)
                        Expect.equal receipt.Attempts 1 "at once"
                        sink.Dispose()

                    Expect.equal
                        (proxy.Heads |> List.map (header "Proxy-Authorization"))
                        (List.replicate 2 (Some(basic user password)))
                        "each with its credentials"

                    use direct = new PresignedS3ExportSink(options)
                    let! _ = direct.PushAsync("a", lab.Path)
                    Expect.equal proxy.Heads.Length 2 "straight to the server"
                })

            testCase "are refused when the sink is built, with all that is wrong" (fun () ->
                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "https://h.example/x",
                        CellId = cellId,
                        Bucket = bucket,
                        MaxAttempts = 0
                    )

                let builds: (unit -> IDisposable) list = [
                    fun () -> new PresignedS3ExportSink(options)
                    fun () ->
                        new PresignedS3ExportSink(
                            "https://h.example/x",
                            cellId,
                            bucket,
                            null,
                            null,
                            null,
                            0,
                            0L
                        )
                    fun () -> PresignedS3ExportSink.CreateHandler options
                ]

                for build in builds do
                    let message =
                        during [ "HTTPS_PROXY", $"socks6://{credentials}@proxy.example" ] (fun () ->
                            refusedOptions build)

                    Expect.stringContains
                        message
                        "HTTPS_PROXY: The proxy URL has an unknown scheme"
                        "which and why"

                    Expect.stringContains message "number of attempts" "and the rest")

            testCaseTask "are for sinks from a host's configuration, which knows no case" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = guarded ()
                    let origin = lab.Origin "http"

                    let variables =
                        [
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                            $"http://{origin}/my-cellos-evidence/{{cell_id}}/{{artifact_name}}"
                            "http_proxy", "ftp://not.this.one"
                        ]
                        @ throughAs "http" credentials proxy

                    let sinks =
                        during variables (fun () ->
                            let configuration = ConfigurationBuilder().AddEnvironmentVariables().Build()

                            S3ExportSinks.Create(
                                S3ExportSpec.Parse seedSpec,
                                cellId,
                                S3ExportConfiguration.ReadVariables configuration
                            ))

                    let! _ = sinks["artifact-bucket"].PushAsync("a", lab.Path)
                    sinks.Dispose()
                    Expect.equal proxy.Heads.Length 1 "through the proxy"

                    let refusals =
                        during [ "HTTPS_PROXY", $"socks6://{credentials}@proxy.example" ] (fun () ->
                            S3ExportConfiguration
                                .Resolve(
                                    S3ExportSpec.Parse seedSpec,
                                    null,
                                    S3ExportConfiguration.ReadVariables(ConfigurationBuilder().Build())
                                )
                                .Refusals)

                    Expect.exists refusals (fun it -> it.Variable = "HTTPS_PROXY") "refused"
                })
        ]
    )
