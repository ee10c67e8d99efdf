/// A host's presigning broker, for sinks from a spec.
module Facade.Tests.SinksProviderTests

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Microsoft.Extensions.DependencyInjection
open Microsoft.Extensions.Logging
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

let private secret = "0123456789abcdef0123"

type private Ask = PresignedUrlRequest -> CancellationToken -> Task<string>

let private spec =
    S3ExportSpec.Create [
        S3ExportTarget(Name = "one", Bucket = bucket, KeyPrefix = "p1")
        S3ExportTarget(Name = "two", Bucket = "my-cellos-evidence")
    ]

let private server () =
    LoopbackS3Server.StartAsync(LoopbackS3Options(Buckets = [| Bucket bucket; Bucket "my-cellos-evidence" |]))

/// A service of a host's, which the container makes.
type Broker(ask: PresignedUrlRequest -> CancellationToken -> Task<string>) =
    member _.PresignAsync(request: PresignedUrlRequest, token: CancellationToken) =
        ValueTask<string>(ask request token)

/// Sinks on their own, with what ends them.
let private alone (variables: (string * string) list) (time: TimeProvider) (ask: Ask) =
    let sinks =
        S3ExportSinks.Create(
            spec,
            cellId,
            environment variables,
            time,
            null,
            (fun request token -> ValueTask<string>(ask request token))
        )

    sinks, (sinks :> IDisposable)

/// Sinks in a container, whose broker is a service of it.
let private hosted (variables: (string * string) list) (time: TimeProvider) (ask: Ask) =
    let services = ServiceCollection()
    services.AddSingleton<Broker>(Broker ask) |> ignore
    services.AddSingleton<TimeProvider> time |> ignore

    services.AddS3ExportSinks(
        spec,
        cellId,
        environment variables,
        (fun provider request token -> provider.GetRequiredService<Broker>().PresignAsync(request, token))
    )
    |> ignore

    let provider = services.BuildServiceProvider()
    provider.GetRequiredService<S3ExportSinks>(), (provider :> IDisposable)

let private ways = [ "alone", alone; "in a container", hosted ]

let private eachWay
    name
    (check: ((string * string) list -> TimeProvider -> Ask -> S3ExportSinks * IDisposable) -> Task<unit>)
    =
    testList name [ for way, make in ways -> testCaseTask way (fun () -> check make) ]

let private retryAtOnce = [
    "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__ONE", "0"
    "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__TWO", "0"
]

[<Tests>]
let tests =
    testList "a host's source of URLs" [
        eachWay "serves all targets, and is told which it is asked for" (fun make ->
            task {
                use! server = server ()
                use folder = new Folder()
                let path = folder.Write("f", patterned 1000)
                let asked = ConcurrentQueue<PresignedUrlRequest>()

                let sinks, ending =
                    make [] TimeProvider.System (fun request _ ->
                        asked.Enqueue request

                        Task.FromResult(
                            server.Presign("PUT", request.Bucket, request.Key, headers = request.Headers)
                        ))

                use _ = ending

                let own =
                    ExportArtifactMetadata(Headers = Dictionary(dict [ "x-amz-meta-run", "42" ]))

                let! one = sinks["one"].PushAsync("a/ü", path, own)
                let! two = sinks["two"].PushAsync("a/ü", path)
                Expect.equal one.Destination $"s3://{bucket}/p1/{cellId}/a/ü" "the first"
                Expect.equal two.Destination $"s3://my-cellos-evidence/{cellId}/a/ü" "the second"

                Expect.sequenceEqual
                    (asked
                     |> Seq.map (fun r -> r.TargetName, r.ArtifactName, r.Bucket, r.Key, r.Attempt))
                    [
                        "one", "a/ü", bucket, $"p1/{cellId}/a/ü", 1
                        "two", "a/ü", "my-cellos-evidence", $"{cellId}/a/ü", 1
                    ]
                    "what is to be presigned"

                let stored = server.Objects[struct (bucket, $"p1/{cellId}/a/ü")]
                Expect.equal stored.Headers["x-amz-meta-run"] "42" "with the headers that it was told of"
            })

        eachWay "is asked again after an attempt that failed on expiry" (fun make ->
            task {
                use! server = server ()
                use folder = new Folder()
                let path = folder.Write("f", patterned 1000)
                server.Misbehave(bucket, $"p1/{cellId}/a", Fault.Status(403, "ExpiredToken"))
                let asked = ConcurrentQueue<int>()

                let sinks, ending =
                    make retryAtOnce TimeProvider.System (fun request _ ->
                        asked.Enqueue request.Attempt
                        // Another one each time: what is signed in one second is the same.
                        let expires = TimeSpan.FromMinutes(float (10 * request.Attempt))

                        Task.FromResult(
                            server.Presign("PUT", request.Bucket, request.Key, expires = expires)
                        ))

                use _ = ending
                let! receipt = sinks["one"].PushAsync("a", path)
                Expect.equal receipt.Attempts 2 "expired, stored"
                Expect.sequenceEqual asked [ 1; 2 ] "once for each URL"
            })

        eachWay "that is slow is bounded by the deadline of its target" (fun make ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)
                let time = FakeTime(DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero))
                let begun = TaskCompletionSource()

                let sinks, ending =
                    make [ "CELLOS_EXPORT_S3_DEADLINE_MS__TWO", "5000" ] time (fun _ _ ->
                        begun.TrySetResult() |> ignore
                        TaskCompletionSource<string>().Task)

                use _ = ending
                let push = failureOf (fun () -> sinks["two"].PushAsync("a", path))
                do! begun.Task

                do!
                    waitFor "the limit" (fun () ->
                        time.Advance(TimeSpan.FromSeconds 5.) |> ignore
                        push.IsCompleted)

                let! failure = push
                Expect.equal failure.Kind ExportFailureKind.DeadlineExceeded "kind"
                Expect.stringContains failure.Message "CELLOS_EXPORT_S3_DEADLINE_MS__TWO" "what to raise"
            })

        eachWay "that fails ends the push, and tells no secret" (fun make ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)

                let sinks, ending =
                    make [] TimeProvider.System (fun _ _ ->
                        raise (
                            InvalidOperationException(
                                $"no https://h/x?X-Amz-Signature={secret} for X-Amz-Security-Token: {secret}",
                                HttpRequestException $"https://h/x?token={secret}"
                            )
                        ))

                use _ = ending
                let! failure = failureOf (fun () -> sinks["one"].PushAsync("a", path))
                Expect.equal failure.Kind ExportFailureKind.UrlUnusable "kind"
                Expect.equal failure.TargetName "one" "whose"
                Expect.stringContains failure.Message "InvalidOperationException" "what"
                Expect.isFalse (failure.ToString().Contains secret) "no secret"
            })

        eachWay "may not give two targets one object" (fun make ->
            task {
                use! server = server ()
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)

                let sinks, ending =
                    make
                        [
                            "CELLOS_EXPORT_S3_KEY_CHECK__ONE", "off"
                            "CELLOS_EXPORT_S3_KEY_CHECK__TWO", "off"
                        ]
                        TimeProvider.System
                        (fun _ _ -> Task.FromResult(server.Presign("PUT", bucket, "same")))

                use _ = ending
                let! _ = sinks["one"].PushAsync("a", path)
                let! _ = sinks["one"].PushAsync("a", path)
                let! failure = failureOf (fun () -> sinks["two"].PushAsync("a", path))
                Expect.equal failure.Kind ExportFailureKind.UrlUnusable "it would overwrite"
                Expect.stringContains failure.Message $"s3://{bucket}/p1/{cellId}/a" "whom"
                Expect.hasLength server.Requests 2 "those of the first"
            })

        eachWay "counts less than what the environment says of a target" (fun make ->
            task {
                use! server = server ()
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)
                let asked = ConcurrentQueue<string>()

                let sinks, ending =
                    make
                        [
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__ONE",
                            server.Presign("PUT", bucket, $"p1/{cellId}/a")
                        ]
                        TimeProvider.System
                        (fun request _ ->
                            asked.Enqueue(string request.TargetName)
                            Task.FromResult(server.Presign("PUT", request.Bucket, request.Key)))

                use _ = ending
                let! _ = sinks["one"].PushAsync("a", path)
                let! _ = sinks["two"].PushAsync("a", path)
                Expect.sequenceEqual asked [ "two" ] "only for the other"

                let source (target: S3ExportTargetReport) =
                    let url = target.Settings |> Seq.find (fun setting -> setting.Name = "url")
                    Expect.isFalse (url.ToString().Contains "X-Amz-Signature=0") "no secret"
                    url.Origin

                Expect.sequenceEqual
                    (sinks.Configuration.Targets |> Seq.map source)
                    [ S3ExportOrigin.Variable; S3ExportOrigin.Provider ]
                    "and that is reported"
            })

        testCase "is part of what a configuration tells, strict or not" (fun () ->
            let ask =
                Func<PresignedUrlRequest, CancellationToken, ValueTask<string>>(fun _ _ ->
                    failtest "nothing is asked for")

            let resolve variables =
                S3ExportConfiguration.Resolve(spec, cellId, environment variables, null, ask)

            let strict = resolve [ "CELLOS_STRICT_CONFIG", "1" ]
            Expect.isTrue strict.IsUsable (String.Join("\n", strict.Refusals))
            Expect.isEmpty strict.Findings "nothing to notice"

            for target in strict.Targets do
                let url = target.Settings |> Seq.find (fun setting -> setting.Name = "url")
                Expect.equal url.Origin S3ExportOrigin.Provider "where it comes from"
                Expect.stringContains url.Value "provider" "in words"
                Expect.isTrue target.IsUsable "usable"
                Expect.isNull target.Expiry "no URL, no expiry"

            let legacy = [
                "CELLOS_STRICT_CONFIG", "1"
                "CELLOS_EXPORT_HTTP_BASE_URL__TWO", "https://gateway.example/{artifact_name}"
            ]

            Expect.isFalse (resolve legacy).IsUsable "a legacy variable is still one"

            Expect.isFalse
                (S3ExportConfiguration.Resolve(spec, cellId, environment [])).IsUsable
                "without a source there is no URL"

            use sinks = S3ExportSinks.Create(strict, cellId)
            Expect.equal sinks.Count 2 "sinks of it")
    ]
