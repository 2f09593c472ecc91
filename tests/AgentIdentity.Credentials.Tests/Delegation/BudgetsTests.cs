using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Credentials.Tests.Delegation;

public sealed class BudgetsTests
{
    [Fact]
    public void Sixteen_distinct_units_are_a_list_in_the_order_of_their_bytes()
    {
        Budget[] sixteen = [.. Enumerable.Range(0, 16).Select(number => new Budget($"{(char)('p' - number)}", 1))];
        Assert.True(Budgets.TryOrder(sixteen, out var ordered));
        Assert.Equal("abcdefghijklmnop", string.Concat(ordered.Select(budget => budget.Unit)));
        Assert.False(Budgets.TryOrder([.. sixteen, new Budget("q", 1)], out _));
        Assert.True(Budgets.TryOrder([], out _));
        Assert.True(Budgets.TryOrder([new("b", 1), new("B", 1)], out ordered));
        Assert.Equal(["B", "b"], ordered.Select(budget => budget.Unit));
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData(" ", 1)]
    [InlineData("a b", 1)]
    [InlineData("müsli", 1)]
    [InlineData("a\n", 1)]
    [InlineData("calls", 0)]
    public void A_unit_is_visible_ASCII_and_an_amount_at_least_one(string unit, ulong amount) => Assert.False(Budgets.TryOrder([new Budget(unit, amount)], out _));

    [Fact]
    public void A_unit_has_at_most_64_characters_and_stands_once()
    {
        Assert.True(Budgets.TryOrder([new Budget(new string('a', 64), ulong.MaxValue)], out _));
        Assert.False(Budgets.TryOrder([new Budget(new string('a', 65), 1)], out _));
        Assert.False(Budgets.TryOrder([new Budget("calls", 1), new Budget("calls", 2)], out _));
    }

    [Fact]
    public void A_unit_that_is_not_named_has_no_amount()
    {
        Budget[] budgets = [new("calls", 3)];
        Assert.Equal(3ul, budgets.Amount("calls"));
        Assert.Null(budgets.Amount("Calls"));
    }
}
