/// One reading of a source: pieces are read, digested and sent at the same time.
module Facade.Tests.PassTests

open System
open System.Collections.Generic
open System.IO
open System.Net.Http
open System.Security.Cryptography
open System.Threading
open System.Threading.Tasks
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Http
open CellOS.Export.S3.Source
open Expecto
open Facade.Tests.Support
open FsCheck.FSharp

let private piece = SourcePass.PieceSize
let private small = SourcePass.SmallSize

let private limit = TimeSpan.FromSeconds 20.

/// Nothing, or at most so many bytes at once, from a file system that gives as many as it likes.
let private readingAtMost (count: Random -> int) (seed: int) =
    let random = Random seed
    let gate = obj ()

    SourceFile.Reader(fun handle buffer offset ->
        let most = lock gate (fun () -> max 1 (count random))
        RandomAccess.Read(handle, buffer.Span.Slice(0, min buffer.Length most), offset))

/// Where the cutting of a body into pieces and parts could go wrong.
let private lengths =
    let edges = [ 0; 1; small; piece; 2 * piece; 4 * piece; 5 * piece ]

    Gen.oneof [
        Gen.elements [
            for edge in edges do
                for by in -1 .. 1 do
                    if edge + by >= 0 then
                        edge + by
        ]
        Gen.choose (0, 6 * piece)
    ]

type private Split = {
    Length: int
    /// Most bytes that one read gives.
    Read: int
    Digests: DigestAlgorithm list
    Seed: int
}

let private splits =
    gen {
        let! length = lengths
        let! read = Gen.elements [ 1_000; 4_096; 65_536; 100_001; Int32.MaxValue ]

        let! digests =
            Gen.subListOf (DigestAlgorithm.all |> List.filter (fun algorithm -> not algorithm.IsSha256))

        let! seed = Gen.choose (0, Int32.MaxValue)

        return {
            Length = length
            Read = read
            Digests = digests
            Seed = seed
        }
    }

/// A body as a source gives it, to a connection that takes each part like this.
let private send (source: SourceFile) (length: int) (digests: DigestAlgorithm list) take =
    task {
        use content = new SourceContent(source, int64 length, digests, ignore)
        use stream = new ReceivingStream(take)
        do! content.CopyToAsync(stream, CancellationToken.None)
        return nonNull content.Sent
    }

/// A digest by code that shares nothing with the sink's, in hexadecimal digits.
let private expected (algorithm: DigestAlgorithm) (bytes: byte[]) =
    let crc (crc: LoopbackS3.Crc) =
        crc.Append(ReadOnlySpan bytes)
        Convert.ToHexStringLower(crc.ToBytes())

    match algorithm with
    | DigestAlgorithm.Sha256 -> sha256 bytes
    | DigestAlgorithm.Md5 -> md5 bytes
    | DigestAlgorithm.Sha1 -> Convert.ToHexStringLower(SHA1.HashData bytes)
    | DigestAlgorithm.Crc32 -> crc (LoopbackS3.Crc.Crc32())
    | DigestAlgorithm.Crc32C -> crc (LoopbackS3.Crc.Crc32C())
    | DigestAlgorithm.Crc64Nvme -> crc (LoopbackS3.Crc.Crc64Nvme())
    | DigestAlgorithm.Crc64Xz -> crc (LoopbackS3.Crc.Crc64Xz())

let private check (split: Split) =
    use folder = new Folder()
    let bytes = Array.zeroCreate<byte> split.Length
    Random(split.Seed).NextBytes bytes

    let read = readingAtMost (fun random -> random.Next(1, split.Read)) split.Seed

    use source = SourceFile.Open(folder.Write("f", bytes), read)
    use body = new MemoryStream()

    let sent =
        Task
            .Run<CellOS.Export.S3.Core.Sent>(fun () ->
                send source split.Length split.Digests (fun part cancellationToken ->
                    task {
                        // The next pieces are read meanwhile.
                        if split.Seed % 3 = 0 then
                            do! Task.Yield()

                        do! body.WriteAsync(part, cancellationToken)
                    }))
            .GetAwaiter()
            .GetResult()

    Expect.isTrue (body.ToArray().AsSpan().SequenceEqual bytes) "the bytes"
    Expect.equal sent.Bytes (int64 split.Length) "how many"
    Expect.equal sent.Sha256.Hex (sha256 bytes) "SHA-256"

    Expect.sequenceEqual
        (sent.Others |> List.map (fun digest -> digest.Algorithm, digest.Hex))
        (split.Digests |> List.map (fun algorithm -> algorithm, expected algorithm bytes))
        "the digests that were asked for"

/// Waits until nothing happens any more; gives how often it did by then.
let private settled (count: unit -> int) =
    task {
        let mutable last = -1

        while last <> count () do
            last <- count ()
            do! Task.Delay 100

        return last
    }

let private large = 20 * piece

/// How many bytes are allocated, on all threads, by one run of this: the least of five, since the runtime allocates now and
/// then, and a thread that waits on a busy machine does.
let private allocatedBy (work: unit -> Task) =
    task {
        let mutable least = Int64.MaxValue

        for _ in 1..5 do
            let before = GC.GetTotalAllocatedBytes true
            do! work ()
            least <- min least (GC.GetTotalAllocatedBytes true - before)

        return least
    }

/// A source of this length that counts the bytes that are read of it, and was written long ago.
let private counted (folder: Folder) (length: int) (count: int64 ref) =
    let read =
        SourceFile.Reader(fun handle buffer offset ->
            let bytes = RandomAccess.Read(handle, buffer.Span, offset)
            Interlocked.Add(&count.contents, int64 bytes) |> ignore
            bytes)

    // A file that was changed just now would be read twice.
    let later = FakeTime(DateTimeOffset.UtcNow.AddDays 1.)
    SourceFile.Open(folder.Write("f", patterned length), read, null, later)

let private valuesOf (request: HttpRequestMessage) (name: string) =
    match request.Headers.TryGetValues name, (nonNull request.Content).Headers.TryGetValues name with
    | (true, values), _
    | _, (true, values) -> List.ofSeq (nonNull values)
    | _ -> []

/// The bytes that this process has read by system calls, those of sockets not included.
let private readByProcess () =
    File.ReadLines "/proc/self/io"
    |> Seq.pick (fun line ->
        match line.Split ": " with
        | [| "rchar"; count |] -> Some(Int64.Parse count)
        | _ -> None)

[<Tests>]
let tests =
    testList "a pass over a source" [
        testCaseTask
            "reads each byte once, for however many digests, before sending and in sending"
            (fun () ->
                task {
                    for length in [ 0; 1; small; small + 1; 5 * piece + 7 ] do
                        use folder = new Folder()
                        let count = ref 0L
                        use source = counted folder length count
                        let bytes = patterned length

                        let! digests =
                            DigestPass(source, DigestAlgorithm.all).TakeAsync CancellationToken.None

                        Expect.equal count.Value (int64 length) $"{length} bytes, before sending"

                        Expect.sequenceEqual
                            [ for digest in digests -> digest.Algorithm, digest.Hex ]
                            [ for algorithm in DigestAlgorithm.all -> algorithm, expected algorithm bytes ]
                            "all of them, of all bytes"

                        let! sent =
                            send source length DigestAlgorithm.all.Tail (fun _ _ -> Task.CompletedTask)

                        Expect.equal count.Value (2L * int64 length) $"{length} bytes, in sending"
                        Expect.hasLength sent.Others (DigestAlgorithm.all.Length - 1) "with all digests"
                })

        testSequenced (
            testCaseTask
                "a push whose URL signs several digests reads the file once before sending"
                (fun () ->
                    task {
                        linuxOnly ()
                        let length = 24 <<< 20
                        let content = patterned length
                        use! scene = scene "a" content

                        let headers =
                            Dictionary(
                                dict [
                                    "content-md5", Convert.ToBase64String(MD5.HashData content)
                                    for name, algorithm in
                                        [
                                            "sha256", DigestAlgorithm.Sha256
                                            "sha1", DigestAlgorithm.Sha1
                                            "crc32", DigestAlgorithm.Crc32
                                            "crc32c", DigestAlgorithm.Crc32C
                                            "crc64nvme", DigestAlgorithm.Crc64Nvme
                                        ] do
                                        $"x-amz-checksum-{name}",
                                        Convert.ToBase64String(
                                            Convert.FromHexString(expected algorithm content)
                                        )
                                ]
                            )

                        let puts = ResizeArray<HttpRequestMessage>()

                        // Amazon S3 takes one `x-amz-checksum-` header; a store of this kind takes all.
                        use sink =
                            scriptedSink
                                (optionsFor (
                                    scene.Server.Presign("PUT", bucket, scene.Key, headers = headers)
                                ))
                                TimeProvider.System
                                0.
                                (fun request cancellationToken ->
                                    task {
                                        puts.Add request

                                        do!
                                            (nonNull request.Content)
                                                .CopyToAsync(Stream.Null, cancellationToken)

                                        let response = new HttpResponseMessage()
                                        response.Headers.Add("x-amz-request-id", "R1")

                                        response.Headers.Add(
                                            "x-amz-checksum-sha256",
                                            headers["x-amz-checksum-sha256"]
                                        )

                                        return response
                                    })

                        // A file that was changed just now would be read twice.
                        do!
                            waitFor "another time stamp" (fun () ->
                                use handle = File.OpenHandle scene.Path
                                (SourceFile.Stamp(handle, scene.Path)).IsSettled DateTimeOffset.UtcNow)

                        let before = readByProcess ()
                        let! receipt = sink.PushAsync("a", scene.Path)
                        let readings = float (readByProcess () - before) / float length

                        Expect.floatClose
                            { absolute = 0.25; relative = 0. }
                            readings
                            2.
                            "before sending, and in sending"

                        let put = Seq.exactlyOne puts

                        for header in headers do
                            Expect.sequenceEqual (valuesOf put header.Key) [ header.Value ] header.Key

                        Expect.equal receipt.Integrity "checksum-sha256" "the strongest"
                    })
        )

        propertyTimes
            60
            "gives the bytes and their digests, however the file and the reads are cut"
            splits
            check

        // The MD5 is the slowest: it falls behind, and buffers have to wait for it.
        testCase "keeps a piece until its MD5 has been taken" (fun () ->
            for seed in 1..4 do
                check {
                    Length = 64 * piece
                    Read = Int32.MaxValue
                    Digests = [ DigestAlgorithm.Md5; DigestAlgorithm.Crc64Nvme ]
                    Seed = 3 * seed + 1
                })

        testCaseTask "reads at most one piece beyond the one whose sending fails" (fun () ->
            task {
                use folder = new Folder()
                let mutable pieces = 0

                let read =
                    SourceFile.Reader(fun handle buffer offset ->
                        if offset % int64 piece = 0L then
                            Interlocked.Increment &pieces |> ignore

                        RandomAccess.Read(handle, buffer.Span, offset))

                use source = SourceFile.Open(folder.Write("f", patterned large), read)
                let mutable parts = 0

                let! error =
                    task {
                        try
                            let! _ =
                                send source large [ DigestAlgorithm.Md5 ] (fun _ _ ->
                                    parts <- parts + 1

                                    if parts = 9 then
                                        Task.FromException(IOException "cut")
                                    else
                                        Task.CompletedTask)

                            return ""
                        with :? HttpRequestException as error ->
                            return error.GetBaseException().Message
                    }

                Expect.equal error "cut" "the sender's own error"
                let! pieces = settled (fun () -> Volatile.Read &pieces)
                // The ninth part is the first of the third piece.
                Expect.isLessThan pieces 5 "pieces of which a read began"
                Expect.equal parts 9 "parts"
            })

        testCaseTask "sends nothing of what comes after a piece that cannot be read" (fun () ->
            task {
                use folder = new Folder()

                let read =
                    SourceFile.Reader(fun handle buffer offset ->
                        if offset >= int64 (3 * piece) then
                            raise (IOException "a bad sector")

                        RandomAccess.Read(handle, buffer.Span, offset))

                use source = SourceFile.Open(folder.Write("f", patterned large), read)
                let mutable sent = 0

                let! error =
                    task {
                        try
                            let! _ =
                                send source large [ DigestAlgorithm.Md5 ] (fun part _ ->
                                    sent <- sent + part.Length
                                    Task.CompletedTask)

                            return ""
                        with :? SourceException as error ->
                            return error.Message
                    }

                Expect.stringContains error "a bad sector" "why"
                let! sent = settled (fun () -> sent)
                Expect.equal sent (3 * piece) "what was read before"
            })

        // Or a stall timeout would strike although bytes move.
        testCaseTask "says that it moves while a piece is slow to come" (fun () ->
            task {
                use folder = new Folder()
                let mutable moved = 0
                let movedBefore = List<int>()

                let read =
                    SourceFile.Reader(fun handle buffer offset ->
                        movedBefore.Add(Volatile.Read &moved)
                        RandomAccess.Read(handle, buffer.Span, offset))

                // A file that was changed just now would be read twice.
                let later = FakeTime(DateTimeOffset.UtcNow.AddDays 1.)
                use source = SourceFile.Open(folder.Write("f", patterned piece), read, null, later)

                use content =
                    new SourceContent(
                        source,
                        int64 piece,
                        [ DigestAlgorithm.Md5 ],
                        (fun () -> Interlocked.Increment &moved |> ignore)
                    )

                do! content.CopyToAsync(new ReceivingStream(fun _ _ -> Task.CompletedTask))
                // Four parts, and whether there is more.
                Expect.sequenceEqual movedBefore [ 1; 2; 3; 4; 8 ] "signs of life before each read"
            })

        testCaseTask "reads no more of a piece, however slow to come, when the time is over" (fun () ->
            task {
                use folder = new Folder()
                use cancellation = new CancellationTokenSource()
                let mutable reads = 0

                let read =
                    SourceFile.Reader(fun handle buffer offset ->
                        if Interlocked.Increment &reads = 100 then
                            cancellation.Cancel()

                        RandomAccess.Read(handle, buffer.Span.Slice(0, 1), offset))

                use source = SourceFile.Open(folder.Write("f", patterned small), read)

                use content =
                    new SourceContent(source, int64 small, [ DigestAlgorithm.Md5 ], ignore)

                use stream = new ReceivingStream(fun _ _ -> Task.CompletedTask)
                let mutable isCancelled = false

                try
                    do! content.CopyToAsync(stream, cancellation.Token)
                with :? OperationCanceledException ->
                    isCancelled <- true

                Expect.isTrue isCancelled "cancelled"
                let! reads = settled (fun () -> Volatile.Read &reads)
                Expect.equal reads 100 "reads"
            })

        testCaseTask "waits for no read that hangs when the sending has failed" (fun () ->
            task {
                use folder = new Folder()
                use released = new ManualResetEventSlim()

                let read =
                    SourceFile.Reader(fun handle buffer offset ->
                        if offset >= int64 piece then
                            released.Wait()

                        RandomAccess.Read(handle, buffer.Span, offset))

                use source = SourceFile.Open(folder.Write("f", patterned large), read)

                try
                    let sending =
                        Task.Run<string>(fun () ->
                            task {
                                try
                                    let! _ =
                                        send source large [ DigestAlgorithm.Md5 ] (fun _ _ ->
                                            Task.FromException(IOException "cut"))

                                    return ""
                                with :? HttpRequestException as error ->
                                    return error.GetBaseException().Message
                            })

                    let! error = sending.WaitAsync limit
                    Expect.equal error "cut" "told at once"
                finally
                    released.Set()
            })

        testSequenced (
            testCaseTask "allocates no more for a body of 64 MiB than for one of 2 MiB" (fun () ->
                task {
                    use folder = new Folder()
                    let path = folder.At "f"

                    do
                        use file = File.Create path
                        file.SetLength(64L <<< 20)

                    let sending length () : Task =
                        task {
                            use source = SourceFile.Open path
                            use content = new SourceContent(source, length, DigestAlgorithm.all.Tail, ignore)
                            use stream = new ReceivingStream(fun _ _ -> Task.CompletedTask)

                            do! content.CopyToAsync(stream, CancellationToken.None)
                        }

                    // The pools are filled, and all code is loaded.
                    do! sending (64L <<< 20) ()
                    let! little = allocatedBy (sending (2L <<< 20))
                    let! much = allocatedBy (sending (64L <<< 20))
                    // Of 64 MiB it would be 1,024 parts or 256 pieces: less than a hundred bytes for each.
                    Expect.isLessThan much (little + 25_000L) $"{little} bytes for 2 MiB, {much} for 64 MiB"
                })
        )
    ]
