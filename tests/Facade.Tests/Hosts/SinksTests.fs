/// From a spec and an environment to sinks.
module Facade.Tests.SinksTests

open System
open System.Collections.Generic
open System.IO
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Microsoft.Extensions.Logging
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

let private url = "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET"
let private urlsFile = "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__ARTIFACT_BUCKET"
let private legacy = "CELLOS_EXPORT_HTTP_BASE_URL__ARTIFACT_BUCKET"
let private secret = "0123456789abcdef0123"

let private create variables =
    S3ExportSinks.Create(S3ExportSpec.Parse seedSpec, cellId, environment variables)

let private refused variables =
    let refusal =
        refusalOf (fun () ->
            use sinks = create variables
            sinks.Count)

    Expect.isFalse (refusal.ToString().Contains secret) "the signature is in no message"
    refusal

let private ids (configuration: S3ExportConfiguration) =
    configuration.Findings |> Seq.map _.Id |> List.ofSeq

let private resolve variables =
    S3ExportConfiguration.Resolve(S3ExportSpec.Parse seedSpec, null, environment variables)

/// Tells of everything that is logged, under any name.
type private LoggerFactory(book: LogBook) =
    interface ILoggerFactory with
        member _.AddProvider _ = ()
        member _.CreateLogger _ = book
        member _.Dispose() = ()

[<Tests>]
let tests =
    testList "sinks from a spec and an environment" [
        testCaseTask "work as the seed shows it, word for word" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let path = folder.Write("stdout.txt", patterned 5000)

                // The seed's three lines, with an endpoint on loopback.
                let variables = [
                    url,
                    $"{server.Endpoint}my-cellos-evidence/{{cell_id}}/{{artifact_name}}?X-Amz-Signature={secret}"
                    "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "3"
                    "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__ARTIFACT_BUCKET", "500"
                ]

                use sinks = create variables
                Expect.equal (ids sinks.Configuration) [ "template-in-signed-path" ] "advice only"
                let! receipt = sinks["artifact-bucket"].PushAsync("logs/stdout.txt", path)

                Expect.equal
                    receipt.Destination
                    "s3://my-cellos-evidence/cell-7/logs/stdout.txt"
                    "the address"

                Expect.equal receipt.TargetName "artifact-bucket" "the target"
                Expect.equal receipt.Region "us-west-2" "the region of the spec"

                let stored = server.Objects[struct ("my-cellos-evidence", "cell-7/logs/stdout.txt")]

                Expect.equal stored.Sha256 receipt.Sha256 "what the receipt says is stored"
            })

        testCaseTask "are one for each S3 target; others are left alone" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let path = folder.Write("a", patterned 10)

                let spec =
                    S3ExportSpec.Create [
                        S3ExportTarget(Name = "one", Bucket = bucket)
                        S3ExportTarget(Name = "two", Bucket = "my-cellos-evidence", KeyPrefix = "p")
                        S3ExportTarget(Name = "three", Kind = "local")
                    ]

                let variables =
                    environment [
                        "CELLOS_EXPORT_S3_PRESIGNED_URL__ONE", server.Presign("PUT", bucket, "cell-7/a")
                        "CELLOS_EXPORT_S3_PRESIGNED_URL__TWO",
                        $"{server.Endpoint}my-cellos-evidence/p/{{cell_id}}/{{artifact_name}}"
                        "CELLOS_EXPORT_S3_REGION__TWO", "eu-west-1"
                    ]

                use sinks = S3ExportSinks.Create(spec, cellId, variables)
                Expect.sequenceEqual sinks.Keys [ "one"; "two" ] "in the order of the spec"
                let! one = sinks["one"].PushAsync("a", path)
                let! two = sinks["two"].PushAsync("a", path)
                Expect.equal one.Destination "s3://evidence/cell-7/a" "the first"
                Expect.equal two.Destination "s3://my-cellos-evidence/p/cell-7/a" "the second"
                Expect.equal two.Region "eu-west-1" "the variable's region"

                let unknown =
                    try
                        sinks["three"] |> ignore
                        ""
                    with :? KeyNotFoundException as error ->
                        error.Message

                Expect.stringContains unknown "'one', 'two'" "those that there are"
            })

        testCase "are refused with all that is wrong in all targets" (fun () ->
            let spec =
                S3ExportSpec.Create [
                    S3ExportTarget(Name = "one", Bucket = "b")
                    S3ExportTarget(Name = "two", Bucket = "b")
                    S3ExportTarget(Name = "three", Bucket = "b")
                    S3ExportTarget(Name = "four", Bucket = "b")
                ]

            use folder = new Folder()

            let variables = [
                "CELLOS_EXPORT_S3_PRESIGNED_URL__TWO", $"ftp://h/x?X-Amz-Signature={secret}"
                "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__THREE", folder.At "none.json"
                "CELLOS_EXPORT_S3_PRESIGNED_URL__FOUR", $"https://h/x?X-Amz-Signature={secret}"
                "CELLOS_EXPORT_S3_REGION__FOUR", $"https://h/x?token={secret}"
                "CELLOS_CA_BUNDLE", folder.At "none.pem"
            ]

            let refusal =
                refusalOf (fun () ->
                    use sinks = S3ExportSinks.Create(spec, cellId, environment variables)
                    sinks.Count)

            let wrong = refusal.Problems |> Seq.map _.Variable |> Seq.sort

            Expect.sequenceEqual
                wrong
                [
                    "CELLOS_CA_BUNDLE"
                    "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__THREE"
                    "CELLOS_EXPORT_S3_PRESIGNED_URL__ONE"
                    "CELLOS_EXPORT_S3_PRESIGNED_URL__TWO"
                    "CELLOS_EXPORT_S3_REGION__FOUR"
                ]
                refusal.Message

            Expect.isFalse (refusal.ToString().Contains secret) "no secret")

        testCase "take the legacy variable with a warning, which strictness refuses with its text" (fun () ->
            let legacyOnly = [ legacy, $"https://gateway.example/{{artifact_name}}?token={secret}" ]
            let relaxed = resolve legacyOnly
            Expect.equal (ids relaxed) [ "legacy-url-variable" ] "a warning"
            Expect.isTrue relaxed.IsUsable "usable"
            let warning = Seq.exactlyOne relaxed.Findings
            let refusal = refused (("CELLOS_STRICT_CONFIG", "1") :: legacyOnly)
            Expect.stringContains refusal.Message warning.What "what"
            Expect.stringContains refusal.Message warning.Remedy "how to mend it"
            Expect.stringContains refusal.Message url "the canonical name")

        testCaseTask
            "take an artifact's own URL from a manifest, and read it again when it has changed"
            (fun () ->
                task {
                    use! server = gateway ()
                    use folder = new Folder()
                    let path = folder.Write("a", patterned 100)
                    let manifest = folder.At "urls.json"

                    let signed (key: string) (signedAt: DateTimeOffset) =
                        server.Presign(
                            "PUT",
                            bucket,
                            key,
                            Nullable(TimeSpan.FromMinutes 1.),
                            Nullable signedAt
                        )

                    let now = DateTimeOffset.UtcNow
                    // The server is not asked about the first: it expired long ago.
                    writeManifest manifest [
                        "a/b", signed "cell-7/a/b" (now.AddHours -3.)
                        "ü", signed "cell-7/ü" now
                    ]

                    let spec =
                        S3ExportSpec.Create [ S3ExportTarget(Name = "artifact-bucket", Bucket = bucket) ]

                    use sinks = S3ExportSinks.Create(spec, cellId, environment [ urlsFile, manifest ])

                    Expect.equal
                        (ids sinks.Configuration)
                        [ "url-expired"; "url-expires-soon" ]
                        "of both URLs"

                    let sink = sinks["artifact-bucket"]
                    let! expired = failureOf (fun () -> sink.PushAsync("a/b", path))
                    Expect.equal expired.Kind ExportFailureKind.UrlExpired "expired"
                    let! absent = failureOf (fun () -> sink.PushAsync("c", path))
                    Expect.equal absent.Kind ExportFailureKind.UrlUnusable "not in the manifest"
                    Expect.stringContains absent.Message "'c'" "which"
                    Expect.stringContains absent.Message "urls.json" "and where"
                    let! named = sink.PushAsync("ü", path)
                    Expect.equal named.Destination "s3://evidence/cell-7/ü" "stored"
                    Expect.equal server.Requests.Count 1 "no request but that"

                    writeManifest manifest [ "a/b", signed "cell-7/a/b" now; "c", signed "cell-7/c" now ]
                    let! fresh = sink.PushAsync("a/b", path)
                    Expect.equal fresh.Sha256 (sha256 (patterned 100)) "with the fresh URL"
                    let! added = sink.PushAsync("c", path)
                    Expect.equal added.Destination "s3://evidence/cell-7/c" "with the new one"

                    // Half written: what was read before still holds.
                    File.WriteAllText(manifest, "{ \"a/b\": \"http")
                    let! again = sink.PushAsync("a/b", path)
                    Expect.equal again.Sha256 fresh.Sha256 "with the last good one"
                    let! gone = failureOf (fun () -> sink.PushAsync("d", path))
                    Expect.stringContains gone.Message "not valid JSON" "what is wrong with the file"
                })

        testCaseTask "take the URL of a manifest that was renewed between two attempts of one push" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                let manifest = scene.Folder.At "urls.json"
                writeManifest manifest [ "a", scene.Url ]

                // The presigner renews the manifest while the store refuses the first URL.
                scene.Server.OnAttempt <-
                    fun _ ->
                        if scene.Server.Requests.Count = 1 then
                            let expires = TimeSpan.FromMinutes 50.
                            let fresh = scene.Server.Presign("PUT", bucket, scene.Key, expires = expires)
                            writeManifest manifest [ "a", fresh ]
                            Fault.Status(403, "ExpiredToken")
                        else
                            Fault.None

                use sink =
                    new PresignedS3ExportSink(
                        PresignedS3ExportSinkOptions(
                            CellId = cellId,
                            Bucket = bucket,
                            PresignedUrlsFile = manifest,
                            RetryBackoff = TimeSpan.Zero
                        )
                    )

                let! receipt = sink.PushAsync("a", scene.Path)
                Expect.equal receipt.Attempts 2 "the second one has the fresh URL"
                isTrueOf scene receipt
            })

        testCaseTask "can have a manifest by option as well, and not with a URL" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                let manifest = scene.Folder.At "urls.json"
                writeManifest manifest [ "a", scene.Url ]

                let options (url: string | null) (file: string | null) =
                    PresignedS3ExportSinkOptions(
                        CellId = cellId,
                        Bucket = bucket,
                        PresignedUrl = url,
                        PresignedUrlsFile = file
                    )

                use sink = new PresignedS3ExportSink(options null manifest)
                let! receipt = sink.PushAsync("a", scene.Path)
                isTrueOf scene receipt

                let wrong (url: string | null) (file: string | null) =
                    try
                        use _ = new PresignedS3ExportSink(options url file)
                        failtest "a sink"
                    with :? ArgumentException as error ->
                        error.Message

                Expect.stringContains (wrong scene.Url manifest) "Keep one" "both"
                Expect.stringContains (wrong null null) "is empty" "neither"
                Expect.stringContains (wrong null (scene.Folder.At "none.json")) "none.json" "no file"
                File.WriteAllText(manifest, "[]")
                Expect.stringContains (wrong null manifest) "object" "no object"
            })

        testCase "are refused only if the manifest lacks every artifact of the spec" (fun () ->
            use folder = new Folder()
            let manifest = folder.At "urls.json"

            let spec =
                S3ExportSpec.Create(
                    [ S3ExportTarget(Name = "artifact-bucket", Bucket = bucket) ],
                    [
                        S3ExportSpecArtifact(Name = "a", Path = "a")
                        S3ExportSpecArtifact(Name = "b", Path = "b")
                    ]
                )

            let create () =
                S3ExportSinks.Create(spec, cellId, environment [ urlsFile, manifest ])

            writeManifest manifest [ "c", $"https://h/c?X-Amz-Signature={secret}" ]

            let refusal =
                refusalOf (fun () ->
                    use sinks = create ()
                    sinks.Count)

            Expect.stringContains (Seq.exactlyOne refusal.Problems).Text "'a', 'b'" refusal.Message

            // The one that is missing fails alone, and its URL may be added meanwhile.
            writeManifest manifest [ "a", $"https://h/a?X-Amz-Signature={secret}" ]
            use sinks = create ()

            let finding =
                sinks.Configuration.Findings
                |> Seq.find (fun finding -> finding.Id = "manifest-lacks")

            Expect.stringContains finding.What "'b'" "which")

        testCase "log what was noticed, and no secret" (fun () ->
            let book = LogBook()

            use _ =
                S3ExportSinks.Create(
                    S3ExportSpec.Parse seedSpec,
                    cellId,
                    environment [
                        legacy, $"http://h.example/{{artifact_name}}?X-Amz-Signature={secret}"
                        "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "none"
                        "CELLOS_EXPORT_S3_MAX_ATEMPTS__ARTIFACT_BUCKET", "3"
                    ],
                    null,
                    new LoggerFactory(book)
                )

            let lines = String.Join("\n", book.Lines)

            for id in
                [
                    "Warning ConfigurationWarning warning legacy-url-variable"
                    "Warning ConfigurationWarning warning invalid-number"
                    "Warning ConfigurationWarning warning unknown-variable"
                    "Information ConfigurationAdvice advice plaintext-transport"
                ] do
                Expect.stringContains lines id id

            Expect.stringContains lines "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET" "the nearest name"
            Expect.isFalse (lines.Contains secret) "no secret")

        testCase "show each setting and where it came from" (fun () ->
            let configuration =
                resolve [
                    url,
                    $"https://my-cellos-evidence.s3.us-west-2.amazonaws.com/c/a?X-Amz-Signature={secret}"
                    "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "5"
                    "CELLOS_EXPORT_S3_TIMEOUT_MS", "7000"
                ]

            let target = Seq.exactlyOne configuration.Targets

            let setting name =
                target.Settings |> Seq.find (fun setting -> setting.Name = name)

            Expect.equal
                ((setting "maxAttempts").Value, (setting "maxAttempts").Origin)
                ("5", S3ExportOrigin.Variable)
                "set"

            Expect.equal
                ((setting "retryMode").Value, (setting "retryMode").Origin)
                ("fixed", S3ExportOrigin.Default)
                "unset"

            Expect.equal
                ((setting "region").Value, (setting "region").Origin)
                ("us-west-2", S3ExportOrigin.Spec)
                "the spec's"

            Expect.stringContains (setting "url").Value "REDACTED" "the URL is redacted"

            let timeout = configuration.Globals |> Seq.find (fun s -> s.Name = "requestTimeout")
            Expect.equal (timeout.Value, timeout.Origin) ("7000 ms", S3ExportOrigin.Variable) "a shared one"

            for shown in target.Settings do
                Expect.isFalse (shown.ToString().Contains secret) shown.Name)

        testCase "are for no other cell than the configuration" (fun () ->
            let resolved (cell: string | null) =
                S3ExportConfiguration.Resolve(
                    S3ExportSpec.Parse seedSpec,
                    cell,
                    environment [ url, "https://gateway.example/{cell_id}/{artifact_name}" ]
                )

            Expect.throwsT<ArgumentException>
                (fun () -> S3ExportSinks.Create(resolved "cell-6", cellId).Dispose())
                "another"

            for same in [ resolved cellId; resolved null ] do
                use sinks = S3ExportSinks.Create(same, cellId)
                Expect.equal sinks.Count 1 "this one, or any")

        testCase "name the variable of a CA bundle whose path is none" (fun () ->
            let refusal =
                (resolve [ url, "https://gateway.example/{artifact_name}"; "CELLOS_CA_BUNDLE", "a\000b" ])
                    .Refusals
                |> Seq.exactlyOne

            Expect.equal refusal.Variable "CELLOS_CA_BUNDLE" "which"
            Expect.stringContains refusal.Text "cannot be read" "why")

        testCase "never wait for a CA bundle that is a pipe" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            let bundle = folder.At "bundle.pem"
            pipe bundle

            let refusal =
                (resolve [ url, "https://gateway.example/{artifact_name}"; "CELLOS_CA_BUNDLE", bundle ])
                    .Refusals
                |> Seq.exactlyOne

            Expect.stringContains refusal.Text "a pipe, not a regular file" "why")

        testCase "want a cell id that is one" (fun () ->
            Expect.throwsT<ArgumentException>
                (fun () ->
                    S3ExportSinks.Create(S3ExportSpec.Parse seedSpec, "a/b", environment [])
                    |> ignore)
                "two segments")

        testCaseTask "end with their collection" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let path = folder.Write("a", patterned 10)

                let sinks =
                    create [ url, $"{server.Endpoint}my-cellos-evidence/{{cell_id}}/{{artifact_name}}" ]

                let sink = sinks["artifact-bucket"]
                sinks.Dispose()
                sinks.Dispose()
                let mutable refused = false

                try
                    let! _ = sink.PushAsync("a", path)
                    ()
                with :? ObjectDisposedException ->
                    refused <- true

                Expect.isTrue refused "disposed of"
            })
    ]
