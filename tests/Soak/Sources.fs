/// The files that are exported. A few serve thousands of artifacts; those that change have one artifact each.
module Soak.Sources

open System
open System.IO
open System.Security.Cryptography

type Content = {
    Path: string
    Length: int64
    Sha256: string
    Md5: string
    /// As in `Content-MD5` (RFC 1864).
    Md5Base64: string
}

/// How a file becomes another between its opening and the last byte.
type Change =
    | Grows
    | Shrinks
    /// Other bytes of the same number.
    | Rewritten
    /// Grows when the first of its bytes are out.
    | GrowsInTheMiddle

type Source =
    | Whole of Content
    | Missing of path: string
    | Link of path: string
    | Folder of path: string
    | Changing of path: string * Change

let pathOf source =
    match source with
    | Whole content -> content.Path
    | Missing path
    | Link path
    | Folder path
    | Changing(path, _) -> path

let private write path (bytes: byte[]) =
    File.WriteAllBytes(path, bytes)

    {
        Path = path
        Length = bytes.LongLength
        Sha256 = Convert.ToHexStringLower(SHA256.HashData bytes)
        Md5 = Convert.ToHexStringLower(MD5.HashData bytes)
        Md5Base64 = Convert.ToBase64String(MD5.HashData bytes)
    }

let private bytes (random: Random) length =
    let bytes = Array.zeroCreate<byte> length
    random.NextBytes bytes
    bytes

/// A folder of the run's own, and what lies in it.
type Sources(seed: int) =
    let folder = Directory.CreateTempSubdirectory("cellos-soak-").FullName
    let at name = Path.Combine(folder, name)
    let random = Dice.about seed "sources"

    let several name lengths = [|
        for i, length in List.indexed lengths -> write (at $"%s{name}-%d{i}") (bytes random length)
    |]

    let small =
        several "small" [
            0
            1
            4096
            16384
            for _ in 1..196 do
                random.Next 16385
        ]

    // The edges of the exporter's buffer, and around 100 KiB.
    let medium =
        several "medium" [
            65535
            65536
            65537
            131072
            for _ in 1..8 do
                100_000 + random.Next 8000
        ]

    // The first with `Expect: 100-continue`, and more.
    let large = several "large" [ 1 <<< 20; 2 <<< 20; (2 <<< 20) + 1 ]

    let link =
        File.CreateSymbolicLink(at "link", small[2].Path) |> ignore
        at "link"

    member _.Folder = folder

    member _.Pick(random: Random) =
        let from = Dice.pick random [ 860, small; 130, medium; 10, large ]
        from[random.Next from.Length]

    member _.Missing = Missing(at "missing")
    member _.Link = Link link
    member _.AFolder = Folder folder

    member _.Changing(name: string, random: Random) =
        let how, length =
            Dice.pick random [
                3, (Grows, random.Next 100_000)
                3, (Shrinks, 1 + random.Next 100_000)
                3, (Rewritten, 1 + random.Next 100_000)
                // Progress, which tells when to meddle, is reported at every 256 KiB.
                2, (GrowsInTheMiddle, 600_000)
            ]

        Changing((write (at $"changing-%s{name}") (bytes random length)).Path, how)

    interface IDisposable with
        member _.Dispose() =
            if Directory.Exists folder then
                Directory.Delete(folder, true)

/// Another file from here on, whoever has it open.
let change (path: string) (how: Change) =
    use file =
        new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)

    match how with
    | Grows
    | GrowsInTheMiddle ->
        file.Seek(0L, SeekOrigin.End) |> ignore
        file.WriteByte 1uy
    | Shrinks -> file.SetLength(file.Length - 1L)
    | Rewritten ->
        let first = file.ReadByte()
        file.Position <- 0L
        file.WriteByte(byte first ^^^ 1uy)
