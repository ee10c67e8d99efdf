module Live.Tests.BucketTests

open System
open System.Text
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Live.Tests.Evidence
open Live.Tests.Store

let private writeOnce (url: string) (bucket: string) (cell: string) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cell,
        Bucket = bucket,
        WriteOnce = true,
        RetryBackoff = TimeSpan.FromMilliseconds 50.,
        MaxAttempts = 10
    )

[<Tests>]
let tests =
    testList "a bucket" [
        testCaseTask "that is written once keeps the first" (fun () ->
            task {
                let! bucket = plainBucket ()
                use folder = new Folder()
                let first = folder.Write("first", "first"B)
                let second = folder.Write("second", "second"B)
                let cell = newCell "once"
                let url = presign bucket $"{cell}/f"
                let! outcome = push (writeOnce url bucket cell) "f" first
                let receipt = Expect.wantOk outcome "a receipt"
                let! outcome = push (writeOnce url bucket cell) "f" second
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.AlreadyExists failure.Message
                Expect.isFalse failure.MayBeStored "it is somebody else's"
                let! _ = isTrue receipt bucket $"{cell}/f" first
                return ()
            })

        testCaseTask "that sixteen write to at once, once, has one of them and one receipt" (fun () ->
            task {
                let! bucket = plainBucket ()
                use folder = new Folder()
                let cell = newCell "race"
                let url = presign bucket $"{cell}/f"

                let paths = [
                    for i in 1..16 -> folder.Write($"f{i}", Encoding.ASCII.GetBytes(String('x', i * 1000)))
                ]

                let! outcomes =
                    paths |> List.map (push (writeOnce url bucket cell) "f") |> Task.WhenAll

                let receipts = [
                    for path, outcome in Seq.zip paths outcomes do
                        match outcome with
                        | Ok receipt -> path, receipt
                        | Error failure ->
                            Expect.equal failure.Kind ExportFailureKind.AlreadyExists failure.Message
                ]

                let path, receipt = List.exactlyOne receipts
                let! _ = isTrue receipt bucket $"{cell}/f" path
                return ()
            })

        testCaseTask "keeps the metadata that its URL signs and the caller gives" (fun () ->
            task {
                let! bucket = plainBucket ()
                use folder = new Folder()
                let path = folder.Write("f", "with metadata"B)
                let cell = newCell "metadata"

                let headers = [ "x-amz-meta-run", "run 7, of 9"; "x-amz-meta-host", "h-1" ]

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl =
                            presignWith Amazon.S3.HttpVerb.PUT (endpoint ()) bucket $"{cell}/f" headers,
                        CellId = cell,
                        Bucket = bucket,
                        Headers = readOnlyDict [ headers[0] ]
                    )

                use sink = new PresignedS3ExportSink(options)
                let metadata = ExportArtifactMetadata(Headers = readOnlyDict [ headers[1] ])
                let! receipt = sink.PushAsync("f", path, metadata)
                let! stored = isTrue receipt bucket $"{cell}/f" path

                Expect.equal stored.Metadata (Map.ofList headers) "of the sink and of the artifact"

                // Without one of them the signature would not fit, and nothing is sent.
                let! failure =
                    task {
                        try
                            let! _ = sink.PushAsync("f", path)
                            return None
                        with :? ExportException as failure ->
                            return Some failure
                    }

                let failure = Expect.wantSome failure "no receipt"
                Expect.equal failure.Kind ExportFailureKind.UrlUnusable failure.Message
                Expect.stringContains failure.Message "x-amz-meta-host" "what is missing"
            })

        testCaseTask "with versions tells which one it made" (fun () ->
            task {
                let! bucket = versionedBucket ()
                use folder = new Folder()
                let cell = newCell "versions"
                let url = presign bucket $"{cell}/f"
                let paths = [ folder.Write("one", "one"B); folder.Write("two", "two, longer"B) ]
                let versions = ResizeArray()

                for path in paths do
                    let! outcome = push (optionsFor url bucket cell) "f" path
                    let receipt = Expect.wantOk outcome "a receipt"
                    // By its version, also when there is a newer one.
                    let! stored = isTrue receipt bucket $"{cell}/f" path
                    Expect.isNotNull receipt.VersionId "a version"
                    Expect.equal (Option.toObj stored.VersionId) receipt.VersionId "this one"
                    versions.Add(nonNull receipt.VersionId)

                Expect.notEqual versions[0] versions[1] "each its own"
                let! first = readBackVersion bucket $"{cell}/f" versions[0]
                Expect.equal (Expect.wantSome first "the first").Length 3L "the first is still there"
            })

        testCaseTask
            "with a lock that is given no Content-MD5: AWS refuses it, RGW takes it; what is receipted is there"
            (fun () ->
                task {
                    let! bucket = lockedBucket ()
                    use folder = new Folder()
                    let path = folder.Write("f", "without a digest"B)
                    let cell = newCell "locked"
                    let! outcome = push (optionsFor (presign bucket $"{cell}/f") bucket cell) "f" path

                    match outcome with
                    | Ok receipt ->
                        let! _ = isTrue receipt bucket $"{cell}/f" path
                        ()
                    | Error failure ->
                        Expect.equal failure.Kind ExportFailureKind.Refused failure.Message

                        Expect.equal
                            failure.StatusCode
                            (Nullable System.Net.HttpStatusCode.BadRequest)
                            failure.Message

                        Expect.stringContains failure.Message "Content-MD5" "what to do"
                        do! isNotStored bucket $"{cell}/f"
                })

        testCaseTask "with a lock keeps what it took" (fun () ->
            task {
                let! bucket = lockedBucket ()
                use folder = new Folder()
                let path = folder.Write("f", "locked evidence"B)
                let cell = newCell "locked"

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = presign bucket $"{cell}/f",
                        CellId = cell,
                        Bucket = bucket,
                        ContentMd5 = true
                    )

                let! outcome = push options "f" path
                let receipt = Expect.wantOk outcome "a receipt"
                let! _ = isTrue receipt bucket $"{cell}/f" path
                let version = nonNull receipt.VersionId
                let! until = retainedUntil bucket $"{cell}/f" version

                Expect.isTrue
                    (until.GetValueOrDefault() > DateTime.UtcNow.AddHours 20.)
                    "it cannot be deleted for a day"
            })
    ]
