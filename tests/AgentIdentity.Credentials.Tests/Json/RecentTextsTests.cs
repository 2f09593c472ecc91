using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Tests.Json;

public sealed class RecentTextsTests
{
    [Fact]
    public void A_text_means_what_it_meant_and_no_other_text_does()
    {
        var texts = new RecentTexts<string>(places: 1, lengthMax: 3);
        texts.Add("abc"u8, "meaning");
        Assert.Equal("meaning", texts.Find("abc"u8));
        Assert.Null(texts.Find("abd"u8));
        Assert.Null(texts.Find("ab"u8));
        Assert.Null(texts.Find("abcd"u8));
    }

    [Fact]
    public void A_newcomer_takes_the_place_that_it_falls_on()
    {
        var texts = new RecentTexts<string>(places: 1, lengthMax: 3);
        texts.Add("a"u8, "first");
        texts.Add("b"u8, "second");
        Assert.Null(texts.Find("a"u8));
        Assert.Equal("second", texts.Find("b"u8));
    }

    [Fact]
    public void A_long_text_is_not_kept()
    {
        var texts = new RecentTexts<string>(places: 1, lengthMax: 3);
        texts.Add("abcd"u8, "meaning");
        Assert.Null(texts.Find("abcd"u8));
    }
}
