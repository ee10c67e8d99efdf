namespace CellOS.Export.S3.Core

open System
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

[<RequireQualifiedAccess>]
module internal Fingerprint =

    let ofBytes (bytes: byte[]) : Fingerprint =
        let digest = ReadOnlySpan(SHA256.HashData bytes)

        {
            First = BinaryPrimitives.ReadUInt64BigEndian digest
            Second = BinaryPrimitives.ReadUInt64BigEndian(digest.Slice 8)
        }

    let ofText (text: string) : Fingerprint = ofBytes (Encoding.UTF8.GetBytes text)

    /// Of all fields of a receipt that this library knows.
    let ofReceipt (receipt: Receipt) : Fingerprint =
        ofBytes (JsonLine.writeUtf8 (fun json -> Receipt.writeFields json receipt))

    let compare (a: Fingerprint) (b: Fingerprint) : int =
        match a.First.CompareTo b.First with
        | 0 -> a.Second.CompareTo b.Second
        | order -> order
