module Live.Tests.UploadTests

open System
open System.Text
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Live.Tests.Evidence
open Live.Tests.Store

let private sizes = [
    "0 bytes", 0L
    "1 byte", 1L
    "64 KiB and 1 byte", 65537L
    "64 MiB", 64L <<< 20
    "1 GiB", 1L <<< 30
]

/// Names that a store may take for something else.
let names = [
    "plain.txt"
    "with space/and  two.txt"
    "ünïcode/日本語/🗄.bin"
    "a+b/c%2Fd/100%"
    "~tilde/under_score/da-sh/do.t"
    "a=b&c;d#e?f,g:h@i$j"
    "(parentheses)!*'quotes'\""
    "[brackets]{braces}|^`<>"
]

[<Tests>]
let tests =
    testList "an upload" [
        for scheme in [ "http"; "https" ] do
            for name, size in sizes do
                // One after the other: the large ones want both cores, and the disk.
                testSequenced (
                    testCaseTask $"of {name} over {scheme} is in the store as the receipt says" (fun () ->
                        task {
                            let at = if scheme = "https" then tlsEndpoint () else endpoint ()
                            let! bucket = plainBucket ()
                            use folder = new Folder()
                            let path = folder.WriteLarge("f", size)
                            let cell = newCell "size"
                            let url = presignWith Amazon.S3.HttpVerb.PUT at bucket $"{cell}/f" []
                            let! outcome = push (optionsFor url bucket cell) "f" path
                            let receipt = Expect.wantOk outcome "a receipt"
                            let! _ = isTrue receipt bucket $"{cell}/f" path
                            Expect.equal receipt.Integrity "etag-md5" "the store confirmed the MD5"
                            Expect.equal receipt.Attempts 1 "at once"
                            Expect.isNotNull receipt.RequestId "with its request id"
                        })
                )

        testCaseTask "is not made to a server whose certificate is not trusted" (fun () ->
            task {
                if isNull (caBundle ()) then
                    skiptest "LIVE_S3_CA_BUNDLE is not set: the system trusts the store"

                let at = tlsEndpoint ()
                let! bucket = plainBucket ()
                use folder = new Folder()
                let path = folder.Write("f", "x"B)
                let cell = newCell "untrusted"
                let url = presignWith Amazon.S3.HttpVerb.PUT at bucket $"{cell}/f" []

                let options =
                    PresignedS3ExportSinkOptions(PresignedUrl = url, CellId = cell, Bucket = bucket)

                let! outcome = push options "f" path
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.CertificateRejected failure.Message
                Expect.equal failure.Attempts 1 "it is not tried again"
                do! isNotStored bucket $"{cell}/f"
            })

        for name in names do
            testCaseTask $"named {name} goes where it was signed for" (fun () ->
                task {
                    let! bucket = plainBucket ()
                    use folder = new Folder()
                    let path = folder.Write("f", Encoding.UTF8.GetBytes name)
                    let cell = newCell "name"
                    let url = presign bucket $"{cell}/{name}"
                    let! outcome = push (optionsFor url bucket cell) name path
                    let! _ = isTrue (Expect.wantOk outcome "a receipt") bucket $"{cell}/{name}" path
                    let! keys = keysBelow bucket (cell + "/")
                    Expect.sequenceEqual keys [ $"{cell}/{name}" ] "and nowhere else"
                })

        testCaseTask "with a key of 1,024 bytes is stored, one of more is not sent" (fun () ->
            task {
                let! bucket = plainBucket ()
                use folder = new Folder()
                let path = folder.Write("f", "x"B)
                let cell = newCell "long"
                // In folders: a segment is no longer than a file's name may be.
                let folders = String.replicate 5 (String('d', 150) + "/")
                let name = folders + String('k', 1024 - cell.Length - 1 - folders.Length)

                let! outcome =
                    push (optionsFor (presign bucket $"{cell}/{name}") bucket cell) name path

                let! _ = isTrue (Expect.wantOk outcome "a receipt") bucket $"{cell}/{name}" path

                Expect.throwsT<ArgumentException>
                    (fun () ->
                        use sink =
                            new PresignedS3ExportSink(
                                optionsFor (presign bucket $"{cell}/{name}k") bucket cell
                            )

                        sink.PushAsync(name + "k", path) |> ignore)
                    "S3 takes no longer key"
            })

        // An artifact's name has no empty segment; an operator's key prefix may.
        testCaseTask "below a key prefix with two slashes goes where it was signed for" (fun () ->
            task {
                let! bucket = plainBucket ()
                use folder = new Folder()
                let path = folder.Write("f", "two slashes"B)
                let cell = newCell "slashes"
                let key = $"audit//2026/{cell}/f"

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = presign bucket key,
                        CellId = cell,
                        Bucket = bucket,
                        KeyPrefix = "audit//2026"
                    )

                let! outcome = push options "f" path
                let receipt = Expect.wantOk outcome "a receipt"
                let! found = readBack bucket key
                Expect.equal (Expect.wantSome found key).Sha256 receipt.Sha256 "in the store"
            })
    ]
