/// Values beside the right one: what an uploader that compares carelessly would take for a confirmation.
module CellOS.Export.S3.Core.Tests.ChecksumMutationTests

open System
open System.Buffers.Binary
open System.Globalization
open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.IntegrityTests

/// What a header with a value says of `hello world`.
type private Row = {
    Header: string
    What: string
    Value: string
    /// `Some true`: the value confirms. `Some false`: it is of other bytes. `None`: it says nothing.
    IsOurs: bool option
}

let private rowsOf (header: string) (rows: (string * string * bool option) list) =
    rows
    |> List.map (fun (what, value, isOurs) -> {
        Header = header
        What = what
        Value = value
        IsOurs = isOurs
    })

let private ours = Some true
let private another = Some false
let private nothing: bool option = None

// Values of `hello world` by the parameters in the catalogue of CRCs (reveng), computed bit by bit.
let private rows =
    List.concat [
        rowsOf "x-amz-checksum-crc64nvme" [
            "own", "jSnVw/bqjr4=", ours
            "quoted", "\"jSnVw/bqjr4=\"", ours
            "Base64 for URLs", "jSnVw_bqjr4=", ours
            "hexadecimal", "8d29d5c3f6ea8ebe", ours
            "hexadecimal in upper case", "8D29D5C3F6EA8EBE", ours
            "reversed octets", "vo7q9sPVKY0=", another
            "reversed octets, hexadecimal", "be8eeaf6c3d5298d", another
            "reversed digits", "ebe8ae6f3c5d92d8", another
            "reversed halves", "9uqOvo0p1cM=", another
            "CRC-64/XZ", "UwN+ze8jUto=", another
            "CRC-64/ECMA-182", "ElEfJy2bwio=", another
            "CRC-64/GO-ISO", "uc8/VyrZrD4=", another
            "CRC-64/Jones", "UNztQuDh5hg=", another
            "not inverted at the end", "ctYqPAkVcUE=", another
            "of nothing", "AAAAAAAAAAA=", another
            "lower case", "jsnvw/bqjr4=", another
            "upper case", "JSNVW/BQJR4=", another
            "decimal", "10171896271030881982", nothing
            "CRC-32C", "yZRlqg==", nothing
            "of parts", "jSnVw/bqjr4=-2", nothing
            "of parts, of other bytes", "vo7q9sPVKY0=-2", nothing
            "of parts, hexadecimal", "8d29d5c3f6ea8ebe-2", nothing
        ]
        for header in [ "x-oss-hash-crc64ecma"; "x-cos-hash-crc64ecma" ] do
            rowsOf header [
                "own", "5981764153023615706", ours
                "with a zero before it", "05981764153023615706", ours
                "quoted", "\"5981764153023615706\"", ours
                "reversed octets", "15731675961210307411", another
                "reversed digits", "6075163203514671895", another
                "CRC-64/NVME", "10171896271030881982", another
                "CRC-64/ECMA-182", "1319870418925634090", another
                "CRC-64/WE", "14017174577685478301", another
                "CRC-64/GO-ISO", "13388989860809387070", another
                "not inverted at the end", "12464979920685935909", another
                "of nothing", "0", another
                "without the last digit", "598176415302361570", another
                "hexadecimal", "53037ecdef2352da", nothing
                "hexadecimal in upper case", "53037ECDEF2352DA", nothing
                "hexadecimal with its mark", "0x53037ecdef2352da", nothing
                "Base64", "UwN+ze8jUto=", nothing
                "with a sign", "+5981764153023615706", nothing
                "negative", "-5981764153023615706", nothing
                "as a fraction", "5981764153023615706.0", nothing
                "2^64 more", "24428508226733167322", nothing
                "of parts", "5981764153023615706-2", nothing
                "of parts, of other bytes", "15731675961210307411-2", nothing
            ]
        rowsOf "x-amz-checksum-crc32c" [
            "own", "yZRlqg==", ours
            "without padding", "yZRlqg", ours
            "hexadecimal", "c99465aa", ours
            "hexadecimal in upper case", "C99465AA", ours
            "reversed octets", "qmWUyQ==", another
            "reversed octets, hexadecimal", "aa6594c9", another
            "reversed halves", "ZarJlA==", another
            "CRC-32", "DUoRhQ==", another
            "CRC-32D", "Vsj2FA==", another
            "CRC-32K", "3zc9PA==", another
            "not inverted at the end", "NmuaVQ==", another
            "of nothing", "AAAAAA==", another
            "lower case", "yzrlqg==", another
            "upper case", "YZRLQG==", another
            "decimal", "3381945770", nothing
            "CRC-64/NVME", "jSnVw/bqjr4=", nothing
            "of parts", "yZRlqg==-2", nothing
            "of parts, of other bytes", "qmWUyQ==-2", nothing
        ]
        rowsOf "x-amz-checksum-crc32" [
            "own", "DUoRhQ==", ours
            "without padding", "DUoRhQ", ours
            "hexadecimal", "0d4a1185", ours
            "hexadecimal in upper case", "0D4A1185", ours
            "reversed octets", "hRFKDQ==", another
            "reversed octets, hexadecimal", "85114a0d", another
            "CRC-32C", "yZRlqg==", another
            "CRC-32/BZIP2", "RPcTeA==", another
            "CRC-32/MPEG-2", "uwjshw==", another
            "CRC-32/JAMCRC: not inverted at the end", "8rXueg==", another
            "of nothing", "AAAAAA==", another
            "lower case", "duorhq==", another
            "upper case", "DUORHQ==", another
            "decimal", "222957957", nothing
            "of parts", "DUoRhQ==-2", nothing
            "of parts, of other bytes", "hRFKDQ==-2", nothing
        ]
        rowsOf "x-goog-hash" [
            "own", "crc32c=yZRlqg==", ours
            "the algorithm in upper case", "CRC32C=yZRlqg==", ours
            "reversed octets", "crc32c=qmWUyQ==", another
            "CRC-32", "crc32c=DUoRhQ==", another
            "lower case", "crc32c=yzrlqg==", another
            "under the name of another algorithm", "crc32=yZRlqg==", nothing
            "decimal", "crc32c=3381945770", nothing
            "of parts", "crc32c=yZRlqg==-2", nothing
            "own MD5", "md5=XrY7u+Ae7tCTyyK7j1rNww==", ours
            "reversed MD5", "md5=w81aj7siy5PQ7h7guzu2Xg==", another
            "MD5 in lower case", "md5=xry7u+ae7tctyyk7j1rnww==", another
        ]
        for header in [ "x-amz-checksum-md5"; "content-md5"; "opc-content-md5" ] do
            rowsOf header [
                "own", "XrY7u+Ae7tCTyyK7j1rNww==", ours
                "hexadecimal", "5eb63bbbe01eeed093cb22bb8f5acdc3", ours
                "reversed octets", "w81aj7siy5PQ7h7guzu2Xg==", another
                "lower case", "xry7u+ae7tctyyk7j1rnww==", another
                "SHA-1", "Kq5sNclPz7QV2+lfQIuc6R7oRu0=", nothing
                "of parts", "XrY7u+Ae7tCTyyK7j1rNww==-2", nothing
            ]
        rowsOf "x-amz-checksum-sha1" [
            "own", "Kq5sNclPz7QV2+lfQIuc6R7oRu0=", ours
            "reversed octets", "7UboHumci0Bf6dsVtM9PyTVsrio=", another
            "lower case", "kq5snclpz7qv2+lfqiuc6r7oru0=", another
            "MD5", "XrY7u+Ae7tCTyyK7j1rNww==", nothing
            "of parts", "Kq5sNclPz7QV2+lfQIuc6R7oRu0=-2", nothing
        ]
    ]

let private confirmationOf (row: Row) =
    match row.Header with
    | "x-amz-checksum-crc64nvme" -> Confirmation.ChecksumCrc64Nvme
    | "x-oss-hash-crc64ecma"
    | "x-cos-hash-crc64ecma" -> Confirmation.ChecksumCrc64Xz
    | "x-amz-checksum-crc32" -> Confirmation.ChecksumCrc32
    | "x-amz-checksum-sha1" -> Confirmation.ChecksumSha1
    | "x-amz-checksum-crc32c" -> Confirmation.ChecksumCrc32C
    | "x-goog-hash" when row.Value.StartsWith("crc", StringComparison.OrdinalIgnoreCase) ->
        Confirmation.ChecksumCrc32C
    | _ -> Confirmation.ContentMd5

let private expected (row: Row) =
    match row.IsOurs with
    | Some true -> IntegrityVerdict.Confirmed(confirmationOf row)
    | Some false -> IntegrityVerdict.Mismatch row.Header
    | None -> IntegrityVerdict.Confirmed Confirmation.Unverified

/// How a store writes these octets of a digest, in each of its headers.
let private spellings (algorithm: DigestAlgorithm) (octets: byte[]) =
    let base64 = Convert.ToBase64String octets

    match algorithm with
    | DigestAlgorithm.Crc64Xz ->
        let number =
            (BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan octets)).ToString CultureInfo.InvariantCulture

        [ "x-oss-hash-crc64ecma", number; "x-cos-hash-crc64ecma", number ]
    | DigestAlgorithm.Md5 -> [
        "content-md5", base64
        "opc-content-md5", base64
        "x-goog-hash", $"md5={base64}"
        "ETag", $"\"{Convert.ToHexStringLower octets}\""
      ]
    | DigestAlgorithm.Crc32C -> [ "x-amz-checksum-crc32c", base64; "x-goog-hash", $"crc32c={base64}" ]
    | _ -> [
        $"x-amz-checksum-{algorithm.Name}", base64
        $"x-amz-checksum-{algorithm.Name}", Convert.ToHexString octets
      ]

/// An algorithm, the octets of a digest, and one of their bits.
let private octets =
    gen {
        let! algorithm = Gen.elements DigestAlgorithm.all
        let! octets = Gen.arrayOfLength algorithm.Size (Gen.choose (0, 255) |> Gen.map byte)
        let! bit = Gen.choose (0, 8 * algorithm.Size - 1)
        return algorithm, octets, bit
    }

let private flipped (bit: int) (octets: byte[]) =
    octets
    |> Array.mapi (fun index octet -> if index = bit / 8 then octet ^^^ (1uy <<< bit % 8) else octet)

[<Tests>]
let tests =
    testList "A value beside the right one" [
        table
            "has the verdict of its row: reversed, of another polynomial, in another case or notation, or of parts"
            rows
            (fun row -> verdict verify sent [ row.Header, row.Value ])
            expected

        table
            "of other bytes is a mismatch although a stronger digest confirms"
            (rows |> List.filter (fun row -> row.IsOurs = another))
            (fun row -> verdict verify sent [ "x-amz-checksum-sha256", sha256; row.Header, row.Value ])
            expected

        // The type is Amazon's: it says nothing about the headers of others.
        table
            "with the type COMPOSITE says nothing, if the header is Amazon's"
            rows
            (fun row -> verdict verify sent [ row.Header, row.Value; "x-amz-checksum-type", "COMPOSITE" ])
            (fun row ->
                if row.Header.StartsWith "x-amz-" then
                    IntegrityVerdict.Confirmed Confirmation.Unverified
                else
                    expected row)

        testCase "is there in every kind for every CRC that a store reports" (fun () ->
            for algorithm in
                [
                    "x-amz-checksum-crc64nvme"
                    "x-oss-hash-crc64ecma"
                    "x-cos-hash-crc64ecma"
                    "x-amz-checksum-crc32c"
                    "x-amz-checksum-crc32"
                ] do
                let kinds =
                    rows
                    |> List.filter (fun row -> row.Header = algorithm)
                    |> List.map (fun row -> row.What)

                for kind in [ "own"; "reversed octets"; "not inverted"; "hexadecimal"; "of parts" ] do
                    Expect.exists kinds _.Contains(kind) $"{algorithm}: {kind}")

        propertyTimes
            500
            "differs in an octet's place or in one bit, and is never taken for the right one"
            octets
            (fun (algorithm, octets, bit) ->
                let sent =
                    let own = Digest.TryCreate(algorithm, ReadOnlySpan octets) |> Option.get

                    if algorithm.IsSha256 then
                        { sentWith [] with Sha256 = own }
                    else
                        sentWith [ own ]

                let isConfirmed (header, value) =
                    match verdict verify sent [ header, value ] with
                    | IntegrityVerdict.Confirmed Confirmation.Unverified ->
                        failtestf "%s: %s unread" header value
                    | IntegrityVerdict.Confirmed _ -> true
                    | IntegrityVerdict.Mismatch _ -> false
                    | verdict -> failtestf "%s: %s is %A" header value verdict

                for spelling in spellings algorithm octets do
                    Expect.isTrue (isConfirmed spelling) $"%A{spelling}"

                for spelling in spellings algorithm (flipped bit octets) do
                    Expect.isFalse (isConfirmed spelling) $"one bit: %A{spelling}"

                for spelling in spellings algorithm (Array.rev octets) do
                    Expect.equal (isConfirmed spelling) (octets = Array.rev octets) $"reversed: %A{spelling}"

                for header, value in spellings algorithm octets do
                    Expect.equal
                        (verdict verify sent [ header, value.Trim '"' + "-2" ])
                        (IntegrityVerdict.Confirmed Confirmation.Unverified)
                        $"of parts: {header}: {value}")
    ]
