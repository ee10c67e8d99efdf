namespace CellOS.Export.S3.Core

open System
open System.Globalization
open System.Numerics

/// Writes and recognises signatures of seals: ECDSA over P-256, in DER (RFC 3279, 2.2.3).
///
/// Rules that this module keeps:
/// - a signature has one form: the shortest DER, with `s` in the lower half. If `(r, s)` is a signature, `(r, n - s)` is one
///   of the same bytes, so that without this rule anybody could change a sealed line and keep it valid.
[<RequireQualifiedAccess>]
module SealSignature =

    /// The number of octets of a coordinate.
    [<Literal>]
    let private Size = 32

    let private number (octets: ReadOnlySpan<byte>) =
        BigInteger(octets, isUnsigned = true, isBigEndian = true)

    /// The order of P-256 (FIPS 186-5; SP 800-186, 3.2.1.3).
    let private order =
        BigInteger.Parse(
            "0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
            NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture
        )

    let private half = order / BigInteger 2

    /// A positive integer in DER: tag, length, the fewest octets.
    let private integer (value: BigInteger) =
        let octets = value.ToByteArray(isUnsigned = false, isBigEndian = true)
        Array.append [| 2uy; byte octets.Length |] octets

    let private encode (r: BigInteger) (s: BigInteger) =
        let content = Array.append (integer r) (integer s)
        Array.append [| 0x30uy; byte content.Length |] content

    let private isInRange (value: BigInteger) = value.Sign > 0 && value < order

    /// Returns the one form of a signature that is given as `r` and `s`, 32 octets each; `None` if it is not one.
    [<CompiledName("OfFixed")>]
    let ofFixed (signature: ReadOnlyMemory<byte>) : byte[] option =
        if signature.Length <> 2 * Size then
            None
        else
            let r = number (signature.Span.Slice(0, Size))
            let s = number (signature.Span.Slice Size)

            if isInRange r && isInRange s then
                Some(encode r (if s > half then order - s else s))
            else
                None

    /// True if a signature in DER is in its one form.
    [<CompiledName("IsCanonical")>]
    let isCanonical (signature: ReadOnlyMemory<byte>) : bool =
        let octets = signature.ToArray()

        // The longest one has 72 octets, so that each length is one octet.
        let integerAt at =
            if at + 2 > octets.Length || at + 2 + int octets[at + 1] > octets.Length then
                None
            else
                let length = int octets[at + 1]
                Some(number (ReadOnlySpan(octets, at + 2, length)), at + 2 + length)

        match integerAt 2 with
        | Some(r, next) ->
            match integerAt next with
            | Some(s, _) -> isInRange r && isInRange s && s <= half && encode r s = octets
            | None -> false
        | None -> false
