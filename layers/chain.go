package layers

import "opencarbon/torch"

// chain is a tensor on its way through layers. What a layer is through with is
// freed before the next one begins: in training autograd holds what it needs
// itself, in evaluation nothing stays.
type chain struct {
	x     *torch.Tensor
	owned bool // made by the chain, not given to it
}

// then puts a layer behind the chain.
func (c *chain) then(layer func(x *torch.Tensor) *torch.Tensor) {
	before := c.x
	torch.InScope(func(s *torch.Scope) {
		c.x = layer(before)
		s.Keep(c.x)
	})
	if c.owned && c.x != before {
		before.Close()
	}
	c.owned = c.owned || c.x != before
}
