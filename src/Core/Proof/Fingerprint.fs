namespace CellOS.Export.S3.Core

open System
open System.Buffers
open System.Buffers.Binary
open System.Security.Cryptography
open System.Text

/// The first 16 octets of a SHA-256: enough to tell texts apart, in little memory.
[<Struct; CustomEquality; NoComparison>]
type internal Fingerprint = {
    First: uint64
    Second: uint64
} with

    member this.Equals(other: Fingerprint) =
        this.First = other.First && this.Second = other.Second

    override this.Equals(other: obj | null) =
        match other with
        | :? Fingerprint as other -> this.Equals other
        | _ -> false

    override this.GetHashCode() = int this.First

    interface IEquatable<Fingerprint> with
        member this.Equals other = this.Equals other

/// Takes fingerprints, of which there are millions: without a new buffer for each. One thread at a time uses it.
[<Sealed>]
type internal FingerprintMaker() =
    let buffer = ArrayBufferWriter<byte> 4096
    let json = JsonLine.writerTo buffer
    let digest = Array.zeroCreate<byte> SHA256.HashSizeInBytes

    let ofBuffer () =
        SHA256.HashData(buffer.WrittenSpan, Span digest) |> ignore
        buffer.ResetWrittenCount()

        {
            First = BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan digest)
            Second = BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan(digest, 8, 8))
        }

    member _.OfText(text: string) : Fingerprint =
        Encoding.UTF8.GetBytes(text.AsSpan(), buffer) |> ignore
        ofBuffer ()

    /// Of all fields of a receipt that this library knows.
    member _.OfReceipt(receipt: Receipt) : Fingerprint =
        json.Reset()
        json.WriteStartObject()
        Receipt.writeFields json receipt
        json.WriteEndObject()
        json.Flush()
        ofBuffer ()

[<RequireQualifiedAccess>]
module internal Fingerprint =

    let compare (a: Fingerprint) (b: Fingerprint) : int =
        match a.First.CompareTo b.First with
        | 0 -> a.Second.CompareTo b.Second
        | order -> order
