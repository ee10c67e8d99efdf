namespace CellOS.Export.S3.Core

/// The items of a sequence of any length that a page lists, in little memory.
type Excerpt<'Item> = private {
    Most: int
    /// The last one comes first.
    Bad: 'Item list
    BadCount: int64
    /// The last one comes first.
    Good: 'Item list
    GoodListed: int
    GoodCount: int64
    /// One good item of this number is listed.
    Stride: int64
} with

    /// The number of items that are bad.
    member this.AllBad = this.BadCount

    /// The number of items that are not bad.
    member this.AllGood = this.GoodCount

    /// One good item of this number is listed; 1 if all are.
    member this.OneOf = this.Stride

    /// The number of bad items that are listed.
    member this.BadListed = min this.BadCount (int64 this.Most)

    /// The items that are listed: the bad ones first, each kind in its order.
    member this.Items = List.rev this.Bad @ List.rev this.Good

    /// The number of items that are listed.
    member this.Listed = this.BadListed + int64 this.GoodListed

    /// True if all items are listed.
    member this.IsComplete = this.Listed = this.BadCount + this.GoodCount

/// Chooses the items of a sequence that a page lists.
///
/// Rules that this module keeps:
/// - the first bad items are listed, up to the limit;
/// - good items are listed up to the same limit: all of them, or one of each 2, 4, 8 … in even distances from the first one;
/// - the same sequence gives the same excerpt;
/// - an item is made only if it is listed when it comes.
[<RequireQualifiedAccess>]
module Excerpt =

    /// Before the first item. The limit is 2 or more.
    [<CompiledName("Start")>]
    let start<'Item> (most: int) : Excerpt<'Item> = {
        Most = most
        Bad = []
        BadCount = 0L
        Good = []
        GoodListed = 0
        GoodCount = 0L
        Stride = 1L
    }

    let private addBad (make: unit -> 'Item) (excerpt: Excerpt<'Item>) = {
        excerpt with
            BadCount = excerpt.BadCount + 1L
            Bad =
                if excerpt.BadCount < int64 excerpt.Most then
                    make () :: excerpt.Bad
                else
                    excerpt.Bad
    }

    /// Each second item of those that are listed, beginning with the first one.
    let private halve (excerpt: Excerpt<'Item>) =
        let kept =
            List.rev excerpt.Good
            |> List.indexed
            |> List.filter (fun (index, _) -> index % 2 = 0)
            |> List.map snd

        {
            excerpt with
                Good = List.rev kept
                GoodListed = kept.Length
                Stride = excerpt.Stride * 2L
        }

    let rec private addGood (make: unit -> 'Item) (excerpt: Excerpt<'Item>) =
        if excerpt.GoodCount % excerpt.Stride <> 0L then
            {
                excerpt with
                    GoodCount = excerpt.GoodCount + 1L
            }
        elif excerpt.GoodListed = excerpt.Most then
            addGood make (halve excerpt)
        else
            {
                excerpt with
                    Good = make () :: excerpt.Good
                    GoodListed = excerpt.GoodListed + 1
                    GoodCount = excerpt.GoodCount + 1L
            }

    /// Takes an item.
    [<CompiledName("Add")>]
    let add (isGood: bool) (make: unit -> 'Item) (excerpt: Excerpt<'Item>) : Excerpt<'Item> =
        if isGood then addGood make excerpt else addBad make excerpt
