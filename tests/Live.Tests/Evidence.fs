/// What is exported, and how a receipt is held against the store.
module Live.Tests.Evidence

open System
open System.IO
open System.Security.Cryptography
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Live.Tests.Store

/// A folder of a test's own, gone when the test is.
type Folder() =
    let path = Directory.CreateTempSubdirectory("cellos-live-").FullName
    member _.Path = path
    member _.At(name: string) = Path.Join(path, name)

    member this.Write(name: string, bytes: byte[]) =
        let file = this.At name
        Directory.CreateDirectory(nonNull (Path.GetDirectoryName file)) |> ignore
        File.WriteAllBytes(file, bytes)
        file

    /// A file of so many bytes, no two MiB of which are alike.
    member this.WriteLarge(name: string, length: int64) =
        let random = Random(int (length % 1000003L))
        let block = Array.zeroCreate<byte>(1 <<< 20)
        random.NextBytes block
        use file = File.Create(this.At name)
        let mutable left = length

        while left > 0L do
            BitConverter.TryWriteBytes(block.AsSpan(), left) |> ignore
            let count = int (min left block.LongLength)
            file.Write(block, 0, count)
            left <- left - int64 count

        this.At name

    interface IDisposable with
        member _.Dispose() = Directory.Delete(path, true)

let sha256Of (path: string) =
    use file = File.OpenRead path
    Convert.ToHexStringLower(SHA256.HashData file)

/// A cell id that no other run has: buckets with a lock cannot be emptied.
let newCell (name: string) = $"{name}-{Guid.NewGuid():N}"

let optionsFor (url: string) (bucket: string) (cell: string) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cell,
        Bucket = bucket,
        Region = region (),
        CaBundle = caBundle (),
        RetryBackoff = TimeSpan.FromMilliseconds 100.,
        RequestTimeout = TimeSpan.FromMinutes 5.
    )

let push (options: PresignedS3ExportSinkOptions) (artifact: string) (path: string) =
    task {
        use sink = new PresignedS3ExportSink(options)

        try
            let! receipt = sink.PushAsync(artifact, path)
            return Ok receipt
        with :? ExportException as failure ->
            return Error failure
    }

/// The receipt says what the file holds, and the store holds it.
let isTrue (receipt: ExportReceipt) (bucket: string) (key: string) (path: string) : Task<Stored> =
    task {
        Expect.equal receipt.Destination $"s3://{bucket}/{key}" "the address"
        Expect.equal receipt.BytesWritten (FileInfo path).Length "the length of the file"
        Expect.equal receipt.Sha256 (sha256Of path) "the SHA-256 of the file"
        let! found = readBackVersion bucket key receipt.VersionId
        let stored = Expect.wantSome found $"{key} is in the store"
        Expect.equal stored.Length receipt.BytesWritten "as long as the receipt says"
        Expect.equal stored.Sha256 receipt.Sha256 "what the receipt says"
        Expect.equal stored.ETag (string receipt.ETag) "with its ETag"
        return stored
    }

let isNotStored (bucket: string) (key: string) =
    task {
        let! found = readBack bucket key
        Expect.isNone found "nothing is in the store"
    }
