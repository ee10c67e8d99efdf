/// The manifest as a file: how it may change while pushes ask for URLs.
module Facade.Tests.ManifestFileTests

open System
open System.IO
open System.Net
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export.S3
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
                return new HttpResponseMessage(HttpStatusCode.OK)
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

    member _.SentTo(artifact: string) =
        task {
            let push = sink.PushAsync(artifact, source)
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

[<Tests>]
let tests =
    testList "a manifest" [
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
