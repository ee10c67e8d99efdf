/// Checksums that a URL signs, at a store that is not ours. Ceph verifies and reports them from version 20 on.
module Live.Tests.ChecksumTests

open System
open System.Net
open System.Net.Http
open System.Security.Cryptography
open Amazon.S3
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Live.Tests.Evidence
open Live.Tests.Store

let private crc (crc: Crc) (content: byte[]) =
    crc.Append(ReadOnlySpan content)
    crc.ToBytes()

/// The name in receipts, and the octets, by code that shares nothing with the sink's.
let private algorithms: (string * (byte[] -> byte[])) list = [
    "sha256", SHA256.HashData
    "crc32", (fun content -> crc (Crc.Crc32()) content)
    "crc64nvme", (fun content -> crc (Crc.Crc64Nvme()) content)
]

let private content = "evidence with a checksum"B
let private otherContent = "evidence with another one"B

/// A URL that signs the checksum of this content.
let private signing (at: Uri) (bucket: string) (key: string) (header: string) (checksum: string) =
    presignWith HttpVerb.PUT at bucket key [ header, checksum ]

/// What the store itself says to a body with the checksum of other content, properly signed.
let private refusesOther (bucket: string) (key: string) (header: string) (checksum: string) =
    task {
        use client = new HttpClient()

        use request =
            new HttpRequestMessage(
                HttpMethod.Put,
                signing (endpoint ()) bucket key header checksum,
                Content = new ByteArrayContent(content)
            )

        request.Headers.TryAddWithoutValidation(header, checksum) |> ignore
        use! response = client.SendAsync request
        let! text = response.Content.ReadAsStringAsync()

        return
            match response.StatusCode with
            | HttpStatusCode.OK -> false
            | HttpStatusCode.BadRequest -> true
            | status -> failtestf "%A: %s" status text
    }

[<Tests>]
let tests =
    testList "a checksum that a URL signs" [
        for name, compute in algorithms do
            let header = $"x-amz-checksum-{name}"
            let base64 (content: byte[]) = Convert.ToBase64String(compute content)

            testCaseTask $"is sent, and confirmed where the store knows it: {name}" (fun () ->
                task {
                    let! bucket = plainBucket ()
                    use folder = new Folder()
                    let path = folder.Write("f", content)
                    let cell = newCell name

                    // Without the header, or with another value, the signature would not fit.
                    let url = signing (endpoint ()) bucket $"{cell}/f" header (base64 content)
                    Expect.stringContains url header "signed"
                    let! outcome = push (optionsFor url bucket cell) "f" path
                    let receipt = Expect.wantOk outcome "a receipt"
                    let! _ = isTrue receipt bucket $"{cell}/f" path
                    Expect.notEqual receipt.Integrity "unverified" "confirmed by this or by the ETag"
                    let! isKnown = refusesOther bucket $"{cell}/g" header (base64 otherContent)

                    match receipt.Checksums.TryGetValue name with
                    | true, reported -> Expect.equal reported (base64 content) "the file's own"
                    | _ -> Expect.isFalse isKnown "a store that verifies the checksum reports it"

                    if isKnown then
                        do! isNotStored bucket $"{cell}/g"

                        if name = "sha256" then
                            Expect.equal receipt.Integrity "checksum-sha256" "the strongest"
                })

            testCaseTask $"of other content is refused by the store: {name}" (fun () ->
                task {
                    let! bucket = plainBucket ()
                    use folder = new Folder()
                    let path = folder.Write("f", content)
                    let cell = newCell name
                    let url = signing (endpoint ()) bucket $"{cell}/f" header (base64 otherContent)
                    let! outcome = push (optionsFor url bucket cell) "f" path
                    let failure = Expect.wantError outcome "no receipt"
                    Expect.equal failure.Kind ExportFailureKind.Refused failure.Message
                    Expect.equal failure.ErrorCode "SignatureDoesNotMatch" failure.Message
                    Expect.stringContains failure.Message (base64 content) "the file's own, to compare"
                    Expect.isFalse failure.MayBeStored "certainly not stored"
                    do! isNotStored bucket $"{cell}/f"
                })

            testCaseTask $"gives no receipt for what was damaged on the way: {name}" (fun () ->
                task {
                    let! bucket = plainBucket ()
                    use folder = new Folder()
                    let path = folder.WriteLarge("f", 300_000L)
                    let cell = newCell name
                    let own = base64 (IO.File.ReadAllBytes path)
                    use relay = new Relay.Damaging((plainEndpoint ()).Port, 300_000L, 1)
                    let at = UriBuilder(endpoint (), Port = relay.Port).Uri
                    let url = signing at bucket $"{cell}/f" header own
                    let! outcome = push (optionsFor url bucket cell) "f" path
                    let receipt = Expect.wantOk outcome "a receipt, for the second attempt"
                    Expect.equal receipt.Attempts 2 "the first arrived damaged"
                    let! _ = isTrue receipt bucket $"{cell}/f" path
                    ()
                })
    ]
