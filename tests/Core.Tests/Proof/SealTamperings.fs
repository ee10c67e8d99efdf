/// Files of seals, and what somebody may do to them.
module CellOS.Export.S3.Core.Tests.SealTamperings

open System
open System.Security.Cryptography
open System.Text
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.SealStatementTests

/// A key that seals.
type Signer(key: ECDsa) =
    let id = SealChecks.idOf key
    member _.Key = key
    member _.Id = id

    /// The envelope of a payload, signed.
    member _.Seal(payload: byte[]) : SealEnvelope = {
        Payload = payload
        KeyId = id
        Signature =
            key.SignData(
                Seal.preAuthenticationEncoding Seal.PayloadType (ReadOnlyMemory payload),
                HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation
            )
            |> ReadOnlyMemory
            |> SealSignature.ofFixed
            |> Option.get
    }

/// Two keys of the exporter, and one of somebody else.
let ours, rotated, theirs =
    Signer(ECDsa.Create ECCurve.NamedCurves.nistP256),
    Signer(ECDsa.Create ECCurve.NamedCurves.nistP256),
    Signer(ECDsa.Create ECCurve.NamedCurves.nistP256)

/// The keys that count.
let keys = SealChecks.keysOf [ ours.Key; rotated.Key ]

let sha256 (bytes: byte[]) =
    Convert.ToHexStringLower(SHA256.HashData bytes)

/// The line that follows others, without its line end.
let next (signer: Signer) (lines: byte[] list) (statement: SealStatement) : byte[] =
    payload {
        statement with
            Sequence = int64 lines.Length + 1L
            Previous = lines |> List.tryLast |> Option.map sha256
    }
    |> signer.Seal
    |> Seal.line

/// The lines of this number of runs, of which the first ones are signed with a key that was replaced later.
let chain count =
    gen {
        let! rotation = Gen.choose (0, count)
        let! runs = Gen.listOfLength count (statements 2)

        return
            (([], 0), runs)
            ||> List.fold (fun (lines, index) run ->
                lines @ [ next (if index < rotation then ours else rotated) lines run ], index + 1)
            |> fst
    }

/// Chains that are made once: to sign takes longer than to check.
let chains = [
    for count in [ 1; 1; 2; 3; 4; 6 ] do
        yield! Gen.sample 3 (chain count)
]

let bytesOf (lines: byte[] list) =
    lines |> List.collect (fun line -> [ line; "\n"B ]) |> Array.concat

/// What is done to a file, in words.
type Tampering = {
    What: string
    Lines: byte[] list
    File: byte[]
}

let private linesOf what change =
    gen {
        let! lines = Gen.elements chains
        let! changed = change lines

        return {
            What = what
            Lines = lines
            File = bytesOf changed
        }
    }

let private bytesIn what change =
    gen {
        let! lines = Gen.elements chains
        let file = bytesOf lines
        let! at = Gen.choose (0, file.Length - 1)
        let! changed = change at file

        return {
            What = what
            Lines = lines
            File = changed
        }
    }

let private anyByte = Gen.choose (0, 255) |> Gen.map byte
let private index (lines: 'a list) = Gen.choose (0, lines.Length - 1)

let private reseal (signer: Signer) (keyId: string) (line: byte[]) =
    match Seal.parse (ReadOnlyMemory line) with
    | Ok envelope ->
        Seal.line {
            signer.Seal envelope.Payload with
                KeyId = keyId
        }
    | Error refusal -> failwith refusal.Message

/// The line with another payload, and the signature of the one that it had.
let private restate (line: byte[]) =
    match Seal.parse (ReadOnlyMemory line) with
    | Ok envelope ->
        Seal.line {
            envelope with
                Payload =
                    (Encoding.UTF8.GetString envelope.Payload).Replace("\"planned\":", "\"planned\":1")
                    |> Encoding.UTF8.GetBytes
        }
    | Error refusal -> failwith refusal.Message

let private order =
    Numerics.BigInteger.Parse(
        "0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
        Globalization.NumberStyles.AllowHexSpecifier
    )

/// The line with the other form of its signature, which verifies as well.
let private malleate (line: byte[]) =
    match Seal.parse (ReadOnlyMemory line) with
    | Ok envelope ->
        let reader =
            Formats.Asn1
                .AsnReader(ReadOnlyMemory envelope.Signature, Formats.Asn1.AsnEncodingRules.DER)
                .ReadSequence()

        let r = reader.ReadInteger()
        let s = reader.ReadInteger()
        let writer = Formats.Asn1.AsnWriter Formats.Asn1.AsnEncodingRules.DER
        writer.PushSequence() |> ignore
        writer.WriteInteger r
        writer.WriteInteger(order - s)
        writer.PopSequence()

        Seal.line {
            envelope with
                Signature = writer.Encode()
        }
    | Error refusal -> failwith refusal.Message

let private change (lines: byte[] list) (with': byte[] -> byte[]) =
    index lines |> Gen.map (fun at -> List.updateAt at (with' lines[at]) lines)

let private swapped (lines: byte[] list) =
    Gen.zip (index lines) (index lines)
    |> Gen.map (fun (a, b) -> lines |> List.updateAt a lines[b] |> List.updateAt b lines[a])

let private foreignLine (lines: byte[] list) =
    gen {
        let! other = Gen.elements chains
        let! line = Gen.elements other
        let! at = Gen.choose (0, lines.Length)
        return List.insertAt at line lines
    }

/// Everything that is done to files, each as often as the others.
let tamperings: Gen<Tampering> =
    Gen.oneof [
        bytesIn "a bit is turned" (fun at file ->
            Gen.choose (0, 7)
            |> Gen.map (fun bit -> Array.updateAt at (file[at] ^^^ (1uy <<< bit)) file))
        bytesIn "a byte is set" (fun at file ->
            anyByte |> Gen.map (fun value -> Array.updateAt at value file))
        bytesIn "a byte is removed" (fun at file -> Gen.constant (Array.removeAt at file))
        bytesIn "a byte is inserted" (fun at file ->
            anyByte |> Gen.map (fun value -> Array.insertAt at value file))
        bytesIn "the file is cut" (fun at file -> Gen.constant (Array.truncate at file))
        bytesIn "bytes are added at the end" (fun _ file ->
            Gen.nonEmptyListOf anyByte
            |> Gen.map (fun more -> Array.append file (Array.ofList more)))
        bytesIn "a stretch is zeroed" (fun at file ->
            Gen.choose (1, 40)
            |> Gen.map (fun length ->
                file |> Array.mapi (fun i b -> if i >= at && i < at + length then 0uy else b)))
        linesOf "a line is removed" (fun lines -> index lines |> Gen.map (fun at -> List.removeAt at lines))
        linesOf "lines at the end are removed" (fun lines ->
            index lines |> Gen.map (fun kept -> List.truncate kept lines))
        linesOf "lines at the beginning are removed" (fun lines ->
            index lines |> Gen.map (fun gone -> List.skip (gone + 1) lines))
        linesOf "a line is repeated" (fun lines ->
            Gen.zip (index lines) (Gen.choose (0, lines.Length))
            |> Gen.map (fun (which, at) -> List.insertAt at lines[which] lines))
        linesOf "an empty line is inserted" (fun lines ->
            Gen.choose (0, lines.Length) |> Gen.map (fun at -> List.insertAt at [||] lines))
        linesOf "lines are swapped" swapped
        linesOf "the lines are reversed" (fun lines -> Gen.constant (List.rev lines))
        linesOf "a line of another file is inserted" foreignLine
        linesOf "another file is appended" (fun lines ->
            Gen.elements chains |> Gen.map (fun other -> lines @ other))
        linesOf "a line is signed with another key" (fun lines -> change lines (reseal theirs theirs.Id))
        linesOf "a line is signed with another key under our id" (fun lines ->
            change lines (reseal theirs ours.Id))
        linesOf "a line is signed again" (fun lines -> change lines (reseal theirs rotated.Id))
        linesOf "a line states something else" (fun lines -> change lines restate)
        linesOf "a signature is turned into its other form" (fun lines -> change lines malleate)
        linesOf "a line ends in CR LF" (fun lines ->
            change lines (fun line -> Array.append line [| byte '\r' |]))
        linesOf "the last line has no line end" (fun lines -> Gen.constant lines)
        |> Gen.map (fun tampering -> {
            tampering with
                File = Array.truncate (tampering.File.Length - 1) tampering.File
        })
    ]
