module Live.Tests.RefusalTests

open System
open System.Text
open Amazon.S3
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Live.Tests.Evidence
open Live.Tests.Store

/// The same URL with another last digit of the signature.
let private tampered (url: string) =
    let at = url.IndexOf "X-Amz-Signature=" + "X-Amz-Signature=".Length
    let digit = if url[at] = '0' then '1' else '0'
    url.Substring(0, at) + string digit + url.Substring(at + 1)

let private later = TimeSpan.FromHours 1.

/// What a store refuses, and why; all of them with 403 or 404, and never with a receipt.
let private refusals: (string * (string -> string -> string) * int * string list) list = [
    "a tampered signature",
    (fun bucket key -> tampered (presign bucket key)),
    403,
    [ "SignatureDoesNotMatch" ]
    "a URL for another key",
    (fun bucket key -> (presign bucket (key + "x")).Replace(key + "x", key)),
    403,
    [ "SignatureDoesNotMatch" ]
    "a URL for GET",
    (fun bucket key -> presignWith HttpVerb.GET (endpoint ()) bucket key []),
    403,
    [ "SignatureDoesNotMatch" ]
    "an unknown access key",
    (fun bucket key -> presignOwn DateTimeOffset.UtcNow later "NOBODYKNOWSTHISKEY00" bucket key),
    403,
    [ "InvalidAccessKeyId" ]
    "a missing bucket", (fun bucket key -> presign (bucket + "-missing") key), 404, [ "NoSuchBucket" ]
]

[<Tests>]
let tests =
    testList "a store" [
        for name, url, status, codes in refusals do
            for size in [ 10L; 64L <<< 20 ] do
                testCaseTask $"refuses {name}, {size} bytes" (fun () ->
                    task {
                        let! bucket = plainBucket ()
                        use folder = new Folder()
                        let path = folder.WriteLarge("f", size)
                        let cell = newCell "refused"
                        let url = url bucket $"{cell}/f"
                        // The spec's bucket is the one in the URL: another would be refused before anything is sent.
                        let own = if url.Contains(bucket + "-missing") then bucket + "-missing" else bucket
                        let options = optionsFor url own cell
                        let told = ref 0L

                        let progress = {
                            new IProgress<ExportProgress> with
                                member _.Report progress =
                                    told.Value <- max told.Value progress.BytesSent
                        }

                        use sink = new PresignedS3ExportSink(options)

                        let! outcome =
                            task {
                                try
                                    let! receipt = sink.PushAsync(ExportArtifact("f", path), progress)
                                    return Ok receipt
                                with :? ExportException as failure ->
                                    return Error failure
                            }

                        let failure = Expect.wantError outcome "no receipt"
                        Expect.equal failure.Kind ExportFailureKind.Refused failure.Message
                        Expect.equal failure.StatusCode (Nullable(enum status)) failure.Message
                        Expect.isTrue (List.contains (string failure.ErrorCode) codes) failure.Message
                        Expect.equal failure.Attempts 1 "it is not tried again"
                        Expect.isFalse failure.MayBeStored "certainly not stored"
                        Expect.isNotNull failure.RequestId "with the store's request id"
                        do! isNotStored bucket $"{cell}/f"

                        // Expect: 100-continue has the refusal come first.
                        if size > (1L <<< 20) then
                            Expect.equal told.Value 0L "not one byte of the body was sent"
                    })

        testCaseTask "is sent 64 MiB only once it has agreed, counted on the wire" (fun () ->
            task {
                let! bucket = plainBucket ()
                use folder = new Folder()
                let size = 64L <<< 20
                let path = folder.WriteLarge("f", size)
                let cell = newCell "wire"
                use relay = new Relay.Damaging((plainEndpoint ()).Port, size, 0)
                let at = UriBuilder(endpoint (), Port = relay.Port).Uri
                let url = presignWith HttpVerb.PUT at bucket $"{cell}/f" []

                let! outcome = push (optionsFor (tampered url) bucket cell) "f" path
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.ErrorCode "SignatureDoesNotMatch" failure.Message
                Expect.isGreaterThan relay.Upwards 0L "the request has passed"
                Expect.isLessThan relay.Upwards 10_000L "and its body has not"

                let! outcome = push (optionsFor url bucket cell) "f" path
                let receipt = Expect.wantOk outcome "a receipt"
                let! _ = isTrue receipt bucket $"{cell}/f" path
                Expect.isGreaterThan relay.Upwards size "the body has"
            })

        testCaseTask "refuses a URL that has expired a little while ago" (fun () ->
            task {
                let! bucket = plainBucket ()
                use folder = new Folder()
                let path = folder.Write("f", "x"B)
                let cell = newCell "expired"

                // Within the 15 minutes for which a clock may be wrong, so it is sent.
                let url =
                    presignOwn
                        (DateTimeOffset.UtcNow.AddMinutes -10.)
                        (TimeSpan.FromMinutes 5.)
                        (accessKey ())
                        bucket
                        $"{cell}/f"

                let! outcome = push (optionsFor url bucket cell) "f" path
                let failure = Expect.wantError outcome "no receipt"

                Expect.equal
                    failure.StatusCode
                    (Nullable System.Net.HttpStatusCode.Forbidden)
                    failure.Message

                // AWS says AccessDenied "Request has expired"; RGW says AccessDenied and no more, after the URL's own end.
                Expect.equal failure.ErrorCode "AccessDenied" failure.Message
                Expect.equal failure.Kind ExportFailureKind.UrlExpired failure.Message

                do! isNotStored bucket $"{cell}/f"
            })

        testCaseTask "is not asked where the URL has expired long ago" (fun () ->
            task {
                let! bucket = plainBucket ()
                use folder = new Folder()
                let path = folder.Write("f", "x"B)
                let cell = newCell "expired"

                let url =
                    presignOwn (DateTimeOffset.UtcNow.AddHours -2.) later (accessKey ()) bucket $"{cell}/f"

                let! outcome = push (optionsFor url bucket cell) "f" path
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.UrlExpired failure.Message
                Expect.equal failure.Attempts 0 "not one"
            })

        testCaseTask "takes the Content-MD5 that its URL signs, and no other" (fun () ->
            task {
                let! bucket = plainBucket ()
                use folder = new Folder()
                let content = "evidence"B
                let path = folder.Write("f", content)
                let cell = newCell "md5"

                let signedFor (content: byte[]) key =
                    let md5 = Convert.ToBase64String(Security.Cryptography.MD5.HashData content)

                    presignWith HttpVerb.PUT (endpoint ()) bucket key [ "Content-MD5", md5 ]

                let! outcome = push (optionsFor (signedFor content $"{cell}/f") bucket cell) "f" path
                let receipt = Expect.wantOk outcome "a receipt"
                let! _ = isTrue receipt bucket $"{cell}/f" path

                // The URL is for other bytes: what is sent does not fit its signature.
                let! outcome =
                    push (optionsFor (signedFor "other evidence"B $"{cell}/g") bucket cell) "g" path

                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.ErrorCode "SignatureDoesNotMatch" failure.Message
                do! isNotStored bucket $"{cell}/g"
            })

        testCaseTask "checks the Content-MD5 that is asked for, and finds damage on the way" (fun () ->
            task {
                let! bucket = plainBucket ()
                use folder = new Folder()
                let path = folder.WriteLarge("f", 300_000L)
                let cell = newCell "damage"
                use relay = new Relay.Damaging((plainEndpoint ()).Port, 300_000L, 1)

                // Signed for the relay's name, which the store takes for its own: the signature covers Host.
                let at = UriBuilder(endpoint (), Port = relay.Port).Uri
                let url = presignWith HttpVerb.PUT at bucket $"{cell}/f" []

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = url,
                        CellId = cell,
                        Bucket = bucket,
                        ContentMd5 = true,
                        RetryBackoff = TimeSpan.Zero
                    )

                let! outcome = push options "f" path
                let receipt = Expect.wantOk outcome "a receipt, for the second attempt"
                Expect.equal receipt.Attempts 2 "the first arrived damaged"
                let! _ = isTrue receipt bucket $"{cell}/f" path

                use always = new Relay.Damaging((plainEndpoint ()).Port, 300_000L, Int32.MaxValue)
                let at = UriBuilder(endpoint (), Port = always.Port).Uri

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = presignWith HttpVerb.PUT at bucket $"{cell}/g" [],
                        CellId = cell,
                        Bucket = bucket,
                        ContentMd5 = true,
                        RetryBackoff = TimeSpan.Zero
                    )

                let! outcome = push options "g" path
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.IntegrityMismatch failure.Message
                Expect.equal failure.ErrorCode "BadDigest" failure.Message
                Expect.equal failure.Attempts 2 "once more, and no more"
                do! isNotStored bucket $"{cell}/g"
            })
    ]
