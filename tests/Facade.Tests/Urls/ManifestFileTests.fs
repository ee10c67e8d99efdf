/// The manifest as a file: how it may change while pushes ask for URLs.
module Facade.Tests.ManifestFileTests

open System
open System.IO
open System.Net
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core
open CellOS.Export.S3.Urls
open Expecto
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

let private url (name: string) = $"https://gateway.example/{name}"

/// A sink over a manifest, and a way to see where it sends an artifact.
type private Asking(manifest: string, folder: Folder) =
    let source = folder.Write("source", patterned 10)

    let handler =
        new Scripted(fun request _ ->
            task {
                let! _ = drain request
                let response = new HttpResponseMessage(HttpStatusCode.OK)
                response.Headers.Add("x-amz-request-id", "1")
                return response
            })

    let client = new HttpClient(handler, Timeout = Timeout.InfiniteTimeSpan)

    let sink =
        new PresignedS3ExportSink(
            PresignedS3ExportSinkOptions(
                CellId = cellId,
                Bucket = bucket,
                PresignedUrlsFile = manifest,
                MaxAttempts = 1,
                RequestTimeout = TimeSpan.FromSeconds 20.
            ),
            client
        )

    member _.Push(artifact: string) = sink.PushAsync(artifact, source)

    member this.SentTo(artifact: string) =
        task {
            let push = this.Push artifact
            let! receipt = push.WaitAsync(TimeSpan.FromSeconds 20.)
            return receipt.ObjectUrl
        }

    interface IDisposable with
        member _.Dispose() =
            sink.Dispose()
            client.Dispose()

let private write (path: string) (name: string) = writeManifest path [ "a", url name ]

/// A file in the place of another, at once.
let private put (path: string) (name: string) =
    write (path + ".new") name
    File.Move(path + ".new", path, true)

/// A clock that stamps no file: it is hours away from the one that does, so that every file has settled.
let private later () =
    FakeTime(DateTimeOffset.UtcNow.AddHours 5.)

let private good (manifest: ManifestFile) =
    match manifest.Read() with
    | Ok good -> good
    | Error problems -> failtestf "%A" problems

let private urlIn (manifest: UrlManifest) =
    match ArtifactName.create "a" with
    | Ok name -> UrlManifest.tryFind name manifest |> Option.map RequestUrl.reveal
    | Error refusal -> failtest refusal.Message

/// A manifest of presigned URLs with session tokens, as large as they are in the field, or of very short ones.
let private many (path: string) (count: int) (isShort: bool) =
    let query = String('k', 1900)
    use file = new StreamWriter(path)
    file.Write "{"

    for i in 1..count do
        let separator = if i = 1 then "" else ","

        if isShort then
            file.Write $"{separator}\"{i}\":\"http://h/{i}\""
        else
            file.Write
                $"{separator}\n  \"logs/{i}.txt\": \"https://evidence.s3.us-west-2.amazonaws.com/cell-7/logs/{i}.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%%2F20260301%%2Fus-west-2%%2Fs3%%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Security-Token={query}{i}&X-Amz-Signature={sha256 [| byte i |]}\""

    file.Write "}"

/// What the objects of this program take that are in use.
let private memoryInUse () =
    GC.Collect()
    GC.GetTotalMemory false

/// The most memory that is in use while an action runs.
let private peakOf (action: unit -> 'a) =
    use ended = new ManualResetEventSlim(false)

    let watching =
        Task.Factory.StartNew(
            (fun () ->
                let mutable peak = 0L

                while not (ended.Wait 20) do
                    peak <- max peak (memoryInUse ())

                peak),
            TaskCreationOptions.LongRunning
        )

    let result = action ()
    ended.Set()
    result, watching.GetAwaiter().GetResult()

[<Tests>]
let tests =
    testList "a manifest" [
        testCase "that has settled is not read again until another takes its place" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            let path = folder.At "urls.json"
            let clock = later ()
            let manifest = ManifestFile(path, clock)

            for version in [ "1"; "2"; "3" ] do
                put path version
                let first = good manifest
                Expect.equal (urlIn first) (Some(url version)) "the new one"
                clock.Advance(TimeSpan.FromMinutes 1.)
                Expect.isTrue (obj.ReferenceEquals(good manifest, first)) "unchanged: not read again"

            // In place, with the times of before.
            let stamp = File.GetLastWriteTimeUtc path
            write path "4"
            File.SetLastWriteTimeUtc(path, stamp)
            Expect.equal (urlIn (good manifest)) (Some(url "4")) "written in place")

        testCase "that has not settled is read each time" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            let path = folder.At "urls.json"
            put path "1"
            // The clock stands still at the moment of the change.
            let changed = DateTimeOffset(File.GetLastWriteTimeUtc path, TimeSpan.Zero)
            let manifest = ManifestFile(path, FakeTime changed)
            let first = good manifest
            Expect.isFalse (obj.ReferenceEquals(good manifest, first)) "read again")

        testCase
            "that becomes worse keeps what was good, tells what is wrong, and is read when it is better"
            (fun () ->
                linuxOnly ()
                use folder = new Folder()
                let path = folder.At "urls.json"
                let clock = later ()
                let manifest = ManifestFile(path, clock)
                put path "1"
                Expect.equal (urlIn (good manifest)) (Some(url "1")) "good"
                File.WriteAllText(path + ".new", "{ \"a\": ")
                File.Move(path + ".new", path, true)

                for _ in 1..2 do
                    Expect.stringContains
                        (manifest.Problem() |> Option.ofObj |> Option.defaultValue "")
                        "not valid JSON"
                        "bad"

                    clock.Advance(TimeSpan.FromMinutes 1.)

                put path "2"
                Expect.equal (urlIn (good manifest)) (Some(url "2")) "good again")

        testSequenced
        <| testList "takes at most four times its size in memory" [
            for name, count, isShort in
                [
                    "25,000 URLs with session tokens", 25_000, false
                    "300,000 short ones", 300_000, true
                ] do
                testCase $"of {name}, while it is read, while it is read again, and after" (fun () ->
                    use folder = new Folder()
                    let path = folder.At "urls.json"
                    many path count isShort
                    let size = FileInfo(path).Length
                    let before = memoryInUse ()
                    let manifest = ManifestFile(path, later ())

                    for round in 1..2 do
                        let read, peak = peakOf (fun () -> good manifest)
                        Expect.equal (UrlManifest.count read) count "all entries"
                        let most, after = peak - before, memoryInUse () - before
                        Expect.isLessThan most (4L * size) $"{most} bytes for {size}, round {round}"
                        Expect.isLessThan after (2L * size) $"{after} bytes for {size} after round {round}"
                        // Another file with the same content.
                        File.Copy(path, path + ".new")
                        File.Move(path + ".new", path, true)

                    GC.KeepAlive manifest)
        ]

        testCaseTask "that is a link is read again when the link's end is another" (fun () ->
            task {
                use folder = new Folder()

                for version in [ "1"; "2" ] do
                    Directory.CreateDirectory(folder.At version) |> ignore
                    write (Path.Combine(folder.At version, "urls.json")) $"version-{version}"

                // As Kubernetes mounts a secret: the file is a link through a folder that is a link.
                let data = folder.At "data"
                File.CreateSymbolicLink(data, folder.At "1") |> ignore
                let manifest = folder.At "urls.json"
                File.CreateSymbolicLink(manifest, Path.Combine(data, "urls.json")) |> ignore
                use asking = new Asking(manifest, folder)
                let! first = asking.SentTo "a"
                Expect.equal first (url "version-1") "the first"
                File.Delete data
                File.CreateSymbolicLink(data, folder.At "2") |> ignore
                let! second = asking.SentTo "a"
                Expect.equal second (url "version-2") "the second"
            })

        testCaseTask "of the same length and time is read again all the same" (fun () ->
            task {
                linuxOnly ()
                use folder = new Folder()
                let manifest = folder.At "urls.json"
                let stamp = DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc)
                write manifest "1"
                File.SetLastWriteTimeUtc(manifest, stamp)
                use asking = new Asking(manifest, folder)
                let! _ = asking.SentTo "a"
                write (manifest + ".new") "2"
                File.SetLastWriteTimeUtc(manifest + ".new", stamp)
                File.Move(manifest + ".new", manifest, true)
                let! second = asking.SentTo "a"
                Expect.equal second (url "2") "renamed into its place"
                write manifest "3"
                File.SetLastWriteTimeUtc(manifest, stamp)
                let! third = asking.SentTo "a"
                Expect.equal third (url "3") "written in place"
            })

        testCaseTask "never gives the object of one artifact to another" (fun () ->
            task {
                use folder = new Folder()
                let manifest = folder.At "urls.json"
                writeManifest manifest [ "a", url "1"; "b", url "2" ]
                use asking = new Asking(manifest, folder)
                let! _ = asking.SentTo "a"

                for same in [ url "1"; url "%31"; url "./1"; "HTTPS://Gateway.example:443/1" ] do
                    writeManifest manifest [ "a", url "3"; "b", same ]
                    let! failure = failureOf (fun () -> asking.Push "b")
                    Expect.equal failure.Kind ExportFailureKind.UrlUnusable same
                    Expect.stringContains failure.Message "'a'" "whom it would overwrite"

                writeManifest manifest [ "a", url "1"; "b", url "2" ]
                let! second = asking.SentTo "b"
                Expect.equal second (url "2") "an object of its own"
            })

        testCaseTask "gives a URL that was in the wrong place to the artifact that it is for" (fun () ->
            task {
                use folder = new Folder()
                let manifest = folder.At "urls.json"

                let presigned name =
                    $"https://store.example/{bucket}/{cellId}/{name}?X-Amz-Signature=q1w2e3r4t5y6"

                writeManifest manifest [ "a", presigned "b"; "b", presigned "a" ]
                use asking = new Asking(manifest, folder)
                let! failure = failureOf (fun () -> asking.Push "a")
                Expect.equal failure.Kind ExportFailureKind.UrlUnusable "the URL of another artifact"
                writeManifest manifest [ "a", presigned "a"; "b", presigned "b" ]
                let! sent = asking.SentTo "b"
                Expect.stringEnds (string sent) "/b" "corrected"
            })

        testCaseTask "that is written faster than the file system counts is never missed" (fun () ->
            task {
                use folder = new Folder()
                let manifest = folder.At "urls.json"
                write manifest "000"
                use asking = new Asking(manifest, folder)

                for i in 1..300 do
                    write manifest $"%03d{i}"
                    let! sent = asking.SentTo "a"
                    Expect.equal sent (url $"%03d{i}") "the newest"
            })

        testCaseTask
            "that a pipe or a folder takes the place of holds, and is read when it is back"
            (fun () ->
                task {
                    linuxOnly ()
                    use folder = new Folder()
                    let manifest = folder.At "urls.json"
                    write manifest "before"
                    use asking = new Asking(manifest, folder)
                    File.Delete manifest
                    pipe manifest
                    let! piped = asking.SentTo "a"
                    Expect.equal piped (url "before") "nobody waits for the pipe's writer"
                    File.Delete manifest
                    Directory.CreateDirectory manifest |> ignore
                    let! foldered = asking.SentTo "a"
                    Expect.equal foldered (url "before") "what was read before"
                    Directory.Delete manifest
                    let! gone = asking.SentTo "a"
                    Expect.equal gone (url "before") "also when there is nothing"
                    put manifest "after"
                    let! back = asking.SentTo "a"
                    Expect.equal back (url "after") "what is there now"
                })

        testCase "that is a pipe, a device or no path is refused, and nobody waits" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            pipe (folder.At "pipe")

            for path, what in [ folder.At "pipe", "a pipe"; "/dev/zero", "a device"; "a\000b", "no file" ] do
                let resolving =
                    Task.Run(fun () ->
                        S3ExportConfiguration.Resolve(
                            S3ExportSpec.Parse seedSpec,
                            null,
                            environment [ "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__ARTIFACT_BUCKET", path ]
                        ))

                Expect.isTrue (resolving.Wait(TimeSpan.FromSeconds 20.)) $"{what}: in time"
                let refusal = Seq.exactlyOne resolving.Result.Refusals
                Expect.stringContains refusal.Text what "what it is")

        testCaseTask "that changes all the time gives every push a URL that was there" (fun () ->
            task {
                use folder = new Folder()
                let manifest = folder.At "urls.json"
                write manifest "0"
                use asking = new Asking(manifest, folder)
                use stop = new CancellationTokenSource()

                let writing =
                    Task.Run(fun () ->
                        let mutable i = 0

                        while not stop.IsCancellationRequested do
                            i <- i + 1
                            put manifest (string i)
                            // Torn, as by a writer that is interrupted.
                            File.WriteAllText(manifest, "{ \"a\": \"https://gate")

                        put manifest "last")

                let! sent =
                    Task.WhenAll [ for _ in 1..64 -> Task.Run<string | null>(fun () -> asking.SentTo "a") ]

                stop.Cancel()
                do! writing

                Expect.all
                    sent
                    (fun to' ->
                        match to' with
                        | null -> false
                        | to' -> to'.Substring((url "").Length) |> Seq.forall Char.IsAsciiDigit)
                    "whole URLs"

                let! last = asking.SentTo "a"
                Expect.equal last (url "last") "the last in the end"
            })
    ]
