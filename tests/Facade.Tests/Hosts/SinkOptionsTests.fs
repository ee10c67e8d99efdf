/// Single sinks in a host, whose options are configured and bound as those of other libraries are.
module Facade.Tests.SinkOptionsTests

open System
open System.Collections.Generic
open System.ComponentModel.DataAnnotations
open System.IO
open System.Reflection
open System.Text
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Microsoft.Extensions.Configuration
open Microsoft.Extensions.DependencyInjection
open Microsoft.Extensions.Hosting
open Microsoft.Extensions.Options
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

let private secret = "0123456789abcdef0123"

let private json (text: string) =
    ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes text)).Build()

let private optionsOf<'T when 'T: not struct> (provider: IServiceProvider) (name: string) =
    provider.GetRequiredService<IOptionsMonitor<'T>>().Get name

/// What a host says that cannot start.
let private refusalAtStart (add: IServiceCollection -> unit) =
    task {
        let builder = Host.CreateEmptyApplicationBuilder null
        add builder.Services
        use host = builder.Build()

        try
            do! host.StartAsync()
            return None
        with :? OptionsValidationException as refusal ->
            return Some refusal
    }

/// The properties of options that a configuration can give.
let private bindable (options: Type) = [
    for property in options.GetProperties() do
        let kind = property.PropertyType

        if
            not (kind.IsInterface && kind.Name = "IPresignedUrlProvider")
            && not (kind.Name.StartsWith "Func")
        then
            property
]

[<Tests>]
let tests =
    testList "single sinks in a host" [
        testCaseTask "are injected by their names, with options from the configuration" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let path = folder.Write("a", patterned 1000)

                let configuration =
                    json
                        $$"""{
  "Evidence": {
    "PresignedUrl": "{{server.Endpoint}}my-cellos-evidence/{cell_id}/{artifact_name}?X-Amz-Signature={{secret}}",
    "CellId": "cell-7",
    "Bucket": "my-cellos-evidence",
    "Deadline": "00:02:00",
    "RetryMode": "exponential",
    "Headers": { "Cache-Control": "no-store" }
  }
}"""

                let services = ServiceCollection()

                services
                    .AddPresignedS3ExportSink("artifact-bucket")
                    .Bind(configuration.GetSection "Evidence")
                |> ignore

                // As a test host does.
                services.Configure<PresignedS3ExportSinkOptions>(
                    "artifact-bucket",
                    fun (options: PresignedS3ExportSinkOptions) -> options.MaxAttempts <- 7
                )
                |> ignore

                use provider = services.BuildServiceProvider()
                let sink = provider.GetRequiredKeyedService<IExportSink> "artifact-bucket"
                let! receipt = sink.PushAsync("a", path)
                Expect.equal receipt.Destination "s3://my-cellos-evidence/cell-7/a" "stored"
                Expect.equal receipt.TargetName "artifact-bucket" "the name is the target's"
                let options = optionsOf<PresignedS3ExportSinkOptions> provider "artifact-bucket"
                Expect.equal options.MaxAttempts 7 "configured"
                Expect.equal options.Deadline (Nullable(TimeSpan.FromMinutes 2.)) "a time"
                Expect.equal options.RetryMode S3ExportRetryMode.Exponential "a word"

                Expect.equal
                    ((Seq.exactlyOne server.Requests).Headers["Cache-Control"])
                    "no-store"
                    "a header from the configuration"

                Expect.isTrue
                    (obj.ReferenceEquals(
                        sink,
                        provider.GetRequiredKeyedService<IExportSink> "artifact-bucket"
                    ))
                    "one sink"
            })

        testCaseTask "of all kinds work side by side" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("a", patterned 10)
                let services = ServiceCollection()

                services
                    .AddLocalExportSink("kept")
                    .Configure(fun options ->
                        options.Root <- Path.Combine(folder.Path, "export")
                        options.CellId <- "cell-7")
                |> ignore

                services
                    .AddHttpExportSink("posted")
                    .Configure(fun options ->
                        options.BaseUrl <- "https://h.example/"
                        options.CellId <- "cell-7")
                |> ignore

                use provider = services.BuildServiceProvider()
                let kept = provider.GetRequiredKeyedService<IExportSink> "kept"
                let! receipt = kept.PushAsync("a", path)
                Expect.equal receipt.TargetKind ExportTargetKind.Local "local"
                let posted = provider.GetRequiredKeyedService<IExportSink> "posted"
                Expect.equal (posted.DestinationHint "a") "https://h.example/cell-7/a" "http"
            })

        testCaseTask
            "are validated when the host starts, with all that is wrong and no stack trace"
            (fun () ->
                task {
                    let! refusal =
                        refusalAtStart (fun services ->
                            services
                                .AddPresignedS3ExportSink("artifact-bucket")
                                .Configure(fun options ->
                                    options.PresignedUrl <- $"ftp://h/x?X-Amz-Signature={secret}"
                                    options.MaxAttempts <- 0
                                    options.CaBundle <- "/nowhere/ca.pem")
                            |> ignore)

                    let refusal = Expect.wantSome refusal "the host does not start"

                    for words in
                        [
                            "target 'artifact-bucket': The upload URL"
                            "The cell id"
                            "The bucket"
                            "attempts"
                            "/nowhere/ca.pem"
                        ] do
                        Expect.stringContains refusal.Message words words

                    Expect.hasLength refusal.Failures 5 "five problems"
                    Expect.isFalse (refusal.Message.Contains secret) "no secret"
                    Expect.isFalse ((string refusal).Contains "   at ") "no stack trace"
                    Expect.equal refusal.OptionsName "artifact-bucket" "which options"
                })

        testCaseTask "are validated for each kind, and let a host start that is configured well" (fun () ->
            task {
                let! http =
                    refusalAtStart (fun services -> services.AddHttpExportSink "posted" |> ignore)

                Expect.stringContains (Expect.wantSome http "no URL").Message "target 'posted': " "http"

                let! local =
                    refusalAtStart (fun services -> services.AddLocalExportSink "kept" |> ignore)

                Expect.stringContains (Expect.wantSome local "no root").Message "The export folder" "local"

                let! well =
                    refusalAtStart (fun services ->
                        services
                            .AddLocalExportSink("kept")
                            .Configure(fun options ->
                                options.Root <- "/tmp/x"
                                options.CellId <- "cell-7")
                        |> ignore)

                Expect.isNone well "it starts"
            })

        testCase "every option can be set, and bound" (fun () ->
            for options in
                [
                    typeof<PresignedS3ExportSinkOptions>
                    typeof<HttpExportSinkOptions>
                    typeof<LocalExportSinkOptions>
                    typeof<SpoolingExportSinkOptions>
                    typeof<HttpPresignedUrlProviderOptions>
                    typeof<CommandPresignedUrlProviderOptions>
                    typeof<ExportBatchOptions>
                ] do
                for property in options.GetProperties() do
                    let setter = Expect.wantSome (Option.ofObj property.SetMethod) property.Name

                    Expect.isFalse
                        (setter.ReturnParameter.GetRequiredCustomModifiers()
                         |> Array.exists (fun modifier -> modifier.Name = "IsExternalInit"))
                        $"{options.Name}.{property.Name} is set after the construction"

            let text (kind: Type) =
                match Option.ofObj (Nullable.GetUnderlyingType kind) |> Option.defaultValue kind with
                | kind when kind = typeof<bool> -> "true"
                | kind when kind = typeof<TimeSpan> -> "00:00:07"
                | kind when kind.IsEnum -> (Enum.GetNames kind |> Array.last).ToLowerInvariant()
                | _ -> "7"

            let bound =
                ConfigurationBuilder()
                    .AddInMemoryCollection(
                        [
                            for property in bindable typeof<PresignedS3ExportSinkOptions> do
                                let key =
                                    match property.Name with
                                    | "Headers" -> "Headers:X-Y"
                                    | "UrlCommand" -> "UrlCommand:0"
                                    | name -> name

                                KeyValuePair<string, string | null>(key, text property.PropertyType)
                        ]
                    )
                    .Build()
                    .Get<PresignedS3ExportSinkOptions>()

            let bound = nonNull bound

            for property in bindable typeof<PresignedS3ExportSinkOptions> do
                let shown: string =
                    match property.GetValue bound with
                    | null -> "nothing"
                    | :? TimeSpan as time -> time.ToString "c"
                    | :? IReadOnlyDictionary<string, string> as headers -> headers["X-Y"]
                    | :? IReadOnlyList<string> as words -> words[0]
                    | value -> (string value).ToLowerInvariant()

                Expect.equal shown (text property.PropertyType) property.Name)

        testCase "annotations say what the check says" (fun () ->
            let isRefused (options: PresignedS3ExportSinkOptions) =
                try
                    SinkTarget.From options |> ignore
                    false
                with :? ArgumentException ->
                    true

            let sound () =
                PresignedS3ExportSinkOptions(PresignedUrl = "http://h/x", CellId = "c", Bucket = "b")

            let mutable found = 0

            for property in typeof<PresignedS3ExportSinkOptions>.GetProperties() do
                match Option.ofObj (property.GetCustomAttribute<RangeAttribute>()) with
                | None -> ()
                | Some range ->
                    found <- found + 1

                    let withValue (value: int64) =
                        let options = sound ()

                        property.SetValue(
                            options,
                            if property.PropertyType = typeof<int> then box (int value) else box value
                        )

                        options

                    let least =
                        Convert.ToInt64(range.Minimum, Globalization.CultureInfo.InvariantCulture)

                    Expect.isFalse (isRefused (withValue least)) $"{property.Name}: the least"
                    Expect.isTrue (isRefused (withValue (least - 1L))) $"{property.Name}: less"

                if not (isNull (property.GetCustomAttribute<RequiredAttribute>())) then
                    found <- found + 1
                    let options = sound ()
                    property.SetValue(options, null)
                    Expect.isTrue (isRefused options) property.Name

            Expect.isGreaterThanOrEqual found 4 "annotations were found")

        testCase
            "a name that no sink has is refused with the nearest one, and those that there are"
            (fun () ->
                let services = ServiceCollection()

                services
                    .AddLocalExportSink("kept")
                    .Configure(fun options ->
                        options.Root <- "/tmp/x"
                        options.CellId <- "cell-7")
                |> ignore

                services.AddKeyedSingleton<IExportSink>(
                    "own",
                    Func<_, _, _>(fun _ _ -> failwith "not asked for")
                )
                |> ignore

                use provider =
                    services.BuildServiceProvider(ServiceProviderOptions(ValidateOnBuild = true))

                let refusal =
                    Expect.throwsC
                        (fun () -> provider.GetRequiredKeyedService<IExportSink> "ketp" |> ignore)
                        id

                Expect.equal
                    (refusal.GetType(), refusal.Message)
                    (typeof<InvalidOperationException>,
                     "There is no export sink 'ketp'. Did you mean 'kept'? Configured: 'kept', 'own'.")
                    "the names")
    ]
